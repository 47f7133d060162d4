import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Where the mall under test is: two instances, nginx before them, and what ends and starts them. */
export interface Stack {
  instances: [string, string];
  /** Absent where nginx is not installed. */
  balancer?: string;
  /** A mall of its own with embedded stores, at a name passkeys can be made for; it shows the letters on /mailbox. */
  embedded: string;
  control: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Starts the mall before the first test and gives Playwright what stops it after the last. */
export default async function start(): Promise<() => Promise<void>> {
  const program = spawn('.cache/bin/e2e-stack', [], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => program.once('exit', () => resolve()));
  const first = await Promise.race([
    new Promise<string>((resolve) => createInterface(program.stdout).once('line', resolve)),
    exited.then(() => undefined),
  ]);
  if (first === undefined)
    throw new Error('the mall under test did not start; see above and .cache/e2e');
  process.env['MALL_E2E_STACK'] = first;
  return async () => {
    program.stdin.end();
    await exited;
  };
}

/** The running stack, as the tests see it. */
export function stack(): Stack {
  const said = process.env['MALL_E2E_STACK'];
  if (!said) throw new Error('run the browser test with `make e2e`');
  return JSON.parse(said) as Stack;
}

/** From now on nobody at the embedded mall has proved lately who they are: what matters asks them first. */
export const proofsAreOld = (): Promise<void> => tell('proofs/forget');

/** Ends an instance as a crash would (1 or 2), or starts it again and waits until it is ready. */
export const instance = (number: 1 | 2, act: 'kill' | 'start'): Promise<void> =>
  tell(`instances/${number}/${act}`);

async function tell(what: string): Promise<void> {
  const answer = await fetch(`${stack().control}/${what}`, { method: 'POST' });
  if (!answer.ok) throw new Error(`${what}: ${await answer.text()}`);
}
