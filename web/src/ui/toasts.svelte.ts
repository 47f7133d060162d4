export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void } | undefined;
}

/** How long a toast stays; one that offers an action stays as long as undoing is promised. */
const stay = 5_000;

let next = 1;
let shown = $state.raw<readonly Toast[]>([]);

/** The toasts on screen, oldest first. */
export const toasts = (): readonly Toast[] => shown;

/** Says something for 5 s at the bottom of the screen. */
export function toast(text: string, action?: Toast['action']): void {
  const id = next++;
  shown = [...shown.slice(-2), { id, text, action }];
  setTimeout(() => dismiss(id), stay);
}

export function dismiss(id: number): void {
  shown = shown.filter((t) => t.id !== id);
}
