/** How urgent an unanswered question is: amber from half an hour, red from two hours. */
export type WaitLevel = 'fresh' | 'late' | 'overdue';

const MINUTE = 60_000;
const LATE = 30 * MINUTE;
const OVERDUE = 120 * MINUTE;

/** The level of a question that has waited for so many milliseconds; a clock ahead of ours counts as 0. */
export function waitLevel(ms: number): WaitLevel {
  if (ms >= OVERDUE) return 'overdue';
  return ms >= LATE ? 'late' : 'fresh';
}
