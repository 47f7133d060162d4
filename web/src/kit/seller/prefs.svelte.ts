const lettersKey = 'mall-seller-letters';
const shopKey = 'mall-seller-shop';

/** What one person set for the console on this device. Storage may be off: choices then last for this page. */
class Prefs {
  #letters = $state(read(lettersKey) !== 'off');

  /** Whether single letters work as keys (WCAG 2.1.4 asks for a way to turn them off). */
  get letters(): boolean {
    return this.#letters;
  }

  set letters(on: boolean) {
    this.#letters = on;
    write(lettersKey, on ? 'on' : 'off');
  }

  /** The shop that was open last. */
  get shopId(): string | null {
    return read(shopKey);
  }

  set shopId(id: string | null) {
    if (id !== null) write(shopKey, id);
  }
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // See above: nothing is lost but the memory of it.
  }
}

export const prefs = new Prefs();
