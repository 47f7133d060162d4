export type Theme = 'auto' | 'light' | 'dark';

const storageKey = 'mall-theme';
let current = $state<Theme>('auto');

/** The chosen look; auto follows the device. */
export const theme = (): Theme => current;

export function setTheme(next: Theme): void {
  current = next;
  const root = document.documentElement;
  if (next === 'auto') delete root.dataset['theme'];
  else root.dataset['theme'] = next;
  try {
    localStorage.setItem(storageKey, next);
  } catch {
    // Storage may be off; the choice then holds for this page only.
  }
}

/** Applies the choice of an earlier visit; call it before mounting, so that the page does not flash. */
export function startTheme(): void {
  try {
    const saved = localStorage.getItem(storageKey);
    if (saved === 'light' || saved === 'dark') setTheme(saved);
  } catch {
    // As above.
  }
}
