import type { RunRow } from '../runs/runs.js';

/** One beginning of a run: most have one, and another where the machines of the one before are out of reach. */
export interface Beginning {
  readonly runId: string;
  /** 1 for the first. */
  readonly begun: number;
  /** Later beginnings go on counting, so that nothing they make has the name of what an earlier one made. */
  readonly firstAttempt: number;
}

/** The beginning that a run is at. */
export function beginningOf({ begun, first_attempt, id }: Pick<RunRow, 'id' | 'begun' | 'first_attempt'>): Beginning {
  return { runId: id, begun, firstAttempt: first_attempt };
}

/** The id of the workflow of one beginning. */
export function workflowIdOf({ begun, runId }: Pick<Beginning, 'runId' | 'begun'>): string {
  return begun === 1 ? runId : `${runId}.${begun}`;
}

/** Which of the attempts that count this one is: what an earlier beginning broke off through no fault of the bake does not. */
export function countedAttempt(attempt: number, begun: number): number {
  return attempt - (begun - 1);
}
