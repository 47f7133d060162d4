/** The languages of the mall. Korean comes with the page; the others are fetched when chosen. */
export type Locale = 'ko' | 'en';

const storageKey = 'mall-locale';

interface Loadable {
  load(locale: Locale): Promise<void>;
  /** Shows a language that was loaded. */
  show(locale: Locale): void;
}

let current = $state<Locale>('ko');
const dictionaries: Loadable[] = [];
const catchingUp = new Set<Promise<void>>();

/** The language on screen; reading it in a component keeps the component current. */
export function locale(): Locale {
  return current;
}

/** Switches every dictionary, `<html lang>` and what is remembered for the next visit. */
export async function setLocale(next: Locale): Promise<void> {
  await Promise.all(dictionaries.map((d) => d.load(next)));
  for (const d of dictionaries) d.show(next);
  current = next;
  document.documentElement.lang = next;
  remember(next);
}

/** Resolves once every dictionary that came with a lazy part speaks the chosen language. */
export async function localeSettled(): Promise<void> {
  await Promise.all(catchingUp);
}

/** Shows the language chosen on an earlier visit; call it before mounting an app. */
export async function startLocale(): Promise<void> {
  if (remembered() === 'en') await setLocale('en');
}

/**
 * One set of texts. Korean is the type: another language that lacks a text does not compile. Read texts
 * through `.t` inside a component, so that they change with the language.
 */
export function dictionary<T>(
  ko: T,
  load: { en: () => Promise<{ default: T }> },
): { readonly t: T } {
  let shown = $state.raw(ko);
  let en: T | undefined;
  const self: Loadable = {
    async load(next) {
      if (next === 'en') en ??= (await load.en()).default;
    },
    show(next) {
      shown = next === 'en' && en !== undefined ? en : ko;
    },
  };
  dictionaries.push(self);
  // A dictionary that arrives with a lazy part of the app after the switch catches up by itself.
  if (current !== 'ko') {
    const done: Promise<void> = self
      .load(current)
      .then(() => self.show(current))
      // Without its words in this language a part speaks Korean.
      .catch(() => undefined)
      .finally(() => catchingUp.delete(done));
    catchingUp.add(done);
  }
  return {
    get t() {
      return shown;
    },
  };
}

function remembered(): string | null {
  try {
    return localStorage.getItem(storageKey);
  } catch {
    return null;
  }
}

function remember(next: Locale): void {
  try {
    localStorage.setItem(storageKey, next);
  } catch {
    // Storage may be off; the choice then holds for this page only.
  }
}
