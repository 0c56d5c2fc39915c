/**
 * The page of one command: its help, as it prints it.
 * @param {{words: readonly string[], help: string}} command
 * @returns {string}
 */
export function commandPage({ words, help }) {
  return `# murmur ${words.join(' ')}\n\n\`\`\`\n${help.trimEnd()}\n\`\`\`\n`;
}
