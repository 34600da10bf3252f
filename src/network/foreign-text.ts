/** Text from outside for a message of ours: one line, no control, format or bidi characters, cut short (threat 31). */
export const safeText = (text: string, most = 300): string =>
  text
    .slice(0, 64 * 1024)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, most);
