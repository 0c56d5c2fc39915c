// The parts of Compute's resources that are used here, by the names of Google's discovery document.

/** What is said about a thing by key and value, in texts. */
export type Labels = { readonly [key: string]: string };

/** Something under way at Google, or done. */
export interface Operation {
  readonly name: string;
  readonly status: 'PENDING' | 'RUNNING' | 'DONE';
  readonly zone?: string;
  readonly error?: { readonly errors?: readonly { readonly code?: string; readonly message?: string }[] };
  readonly httpErrorStatusCode?: number;
}

/** A machine. */
export interface Instance {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly zone: string;
  readonly creationTimestamp?: string;
  readonly labels?: Labels;
  readonly labelFingerprint?: string;
  readonly disks?: readonly { readonly source?: string; readonly boot?: boolean }[];
  readonly networkInterfaces?: readonly { readonly networkIP?: string; readonly accessConfigs?: readonly { readonly natIP?: string }[] }[];
  readonly scheduling?: { readonly instanceTerminationAction?: string };
  readonly resourceStatus?: { readonly scheduling?: { readonly terminationTimestamp?: string } };
}

/** A persistent disk. */
export interface Disk {
  readonly id: string;
  readonly name: string;
  readonly zone: string;
  readonly creationTimestamp?: string;
  readonly labels?: Labels;
  readonly sourceImageId?: string;
  readonly users?: readonly string[];
}

/** An image. Its number is never used again; its name may be. */
export interface Image {
  readonly id: string;
  readonly name: string;
  readonly status?: string;
  readonly architecture?: string;
  readonly creationTimestamp?: string;
  readonly deprecated?: { readonly state?: string };
  readonly diskSizeGb?: string;
  readonly guestOsFeatures?: readonly { readonly type?: string }[];
  readonly labels?: Labels;
  readonly labelFingerprint?: string;
  readonly selfLink: string;
  readonly sourceDiskId?: string;
}

/** What a guest has said of itself. */
export interface GuestAttributes {
  readonly queryValue?: { readonly items?: readonly { readonly key?: string; readonly value?: string }[] };
}

/** One page of a list. */
export interface Page<T> {
  readonly items?: readonly T[];
  readonly nextPageToken?: string;
}

/** One page of a list over all zones, in which each zone speaks for itself. */
export interface AggregatedPage {
  readonly items?: {
    readonly [scope: string]: {
      readonly instances?: readonly Instance[];
      readonly disks?: readonly Disk[];
      readonly warning?: { readonly code?: string; readonly message?: string };
    };
  };
  readonly nextPageToken?: string;
  readonly unreachables?: readonly string[];
}

/** The path `projects/…` in a link. */
export function pathOf(link: string): string {
  const start = link.indexOf('projects/');
  return start === -1 ? link : link.slice(start);
}

/** The last part of a link or path. */
export function lastOf(link: string): string {
  return link.slice(link.lastIndexOf('/') + 1);
}
