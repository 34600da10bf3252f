/**
 * Lists that anybody may add to are verified first and cut afterwards, so that what is added cannot push out what counts. The
 * work has an end all the same: a list with more entries than this is not judged, and that is an open question, never a "no"
 * (threats 17, 46).
 */
export const maxForeignEntries = 5000;
