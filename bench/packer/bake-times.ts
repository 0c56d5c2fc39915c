/** How long one bake took, in seconds, and where the time went. */
export interface BakeTimes {
  /** From the command's start to its end. */
  readonly total: number;
  /** From the command's start until the machine can be logged in to. */
  readonly boot: number;
  /** Running the script, its transfer included. */
  readonly script: number;
  /** From the script's end to the command's end: clean-up, shutdown and keeping the disk as an image. */
  readonly capture: number;
}
