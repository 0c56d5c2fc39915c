const origin = 'https://www.googleapis.com/compute/v1/';

/** A resource's own address: Google's, wherever it was asked. */
export function linkTo(path: string): string {
  return origin + path;
}

/**
 * The path `projects/…` that a link, a part of one or a path means in a project. Clients send all of these.
 *
 * ```ts
 * pathOf('https://www.googleapis.com/compute/v1/projects/p/global/networks/default', 'mine'); // 'projects/p/global/networks/default'
 * pathOf('zones/us-central1-a/machineTypes/e2-medium', 'mine'); // 'projects/mine/zones/us-central1-a/machineTypes/e2-medium'
 * ```
 */
export function pathOf(link: string, project: string): string {
  const path = link.replace(/^https?:\/\/[^/]+\//, '').replace(/^(?:compute\/)?v1\//, '');
  return path.startsWith('projects/') ? path : `projects/${project}/${path}`;
}

/** The last part of a path or link. */
export function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
