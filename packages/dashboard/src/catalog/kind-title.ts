/** A kind as a heading: `machine-type` is `Machine types`. */
export function kindTitle(kind: string): string {
  const words = kind.replaceAll('-', ' ');
  const plural = words.endsWith('y') ? `${words.slice(0, -1)}ies` : `${words}s`;
  return `${plural.charAt(0).toUpperCase()}${plural.slice(1)}`;
}

/** The address of one resource's page: some kinds have a page that shows more. */
export function resourcePath(kind: string, name: string): string {
  const place = kind === 'recipe' ? '/recipes' : kind === 'image' ? '/images' : `/catalog/${kind}`;
  return `${place}/${encodeURIComponent(name)}`;
}
