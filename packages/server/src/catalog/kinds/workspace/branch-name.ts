/** Whether git takes the text as a branch, by the rules of git-check-ref-format(1) with --branch. */
export function isBranchName(text: string): boolean {
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^[-/]|[/.]$/.test(text)) return false;
  return text !== '@' && text !== '' && text.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}
