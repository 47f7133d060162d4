/** Whether the member is being asked to prove once more who they are, and who waits for it. */
export class StepUp {
  /** Whether the dialog is wanted. */
  wanted = $state(false);
  #waiting: ((proved: boolean) => void)[] = [];

  /** Resolves with whether they did. Calls refused at the same time wait for one dialog. */
  readonly ask = (): Promise<boolean> => {
    this.wanted = true;
    return new Promise((resolve) => this.#waiting.push(resolve));
  };

  end(proved: boolean): void {
    this.wanted = false;
    for (const resolve of this.#waiting.splice(0)) resolve(proved);
  }
}
