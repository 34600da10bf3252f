/**
 * Whether a registry's words say that it takes no manifest before the one that its `subject` names. The distribution
 * specification has registries take it ("Pushing Manifests with Subject"), and no service is known to do otherwise; what one
 * that does would say is not known either, so both words must be there.
 */
export function saysSubjectMissing(text: string, repository: string): boolean {
  // The word in the name of a repository says nothing.
  const said = text.replaceAll(repository, '');
  return /\bsubject\b/i.test(said) && /\b(?:unknown|missing|not found|not exist|not be found)\b/i.test(said);
}
