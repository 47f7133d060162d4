/** Loading shorter than this shows nothing. */
const showAfter = 150;
/** A skeleton that did appear stays at least this long, so that it does not blink. */
const showFor = 300;

/**
 * When to draw a skeleton for something that loads. Give it a function that says whether it loads; read `shown`
 * for the skeleton and `settled` for the content. Call it while a component is being set up.
 */
export function pending(loading: () => boolean): {
  readonly shown: boolean;
  readonly settled: boolean;
} {
  let shown = $state(false);
  let since = 0;

  $effect(() => {
    const want = loading();
    if (want === shown) return;
    const wait = want ? showAfter : Math.max(0, since + showFor - Date.now());
    const timer = setTimeout(() => {
      shown = want;
      if (want) since = Date.now();
    }, wait);
    return () => clearTimeout(timer);
  });

  return {
    get shown() {
      return shown;
    },
    get settled() {
      return !shown && !loading();
    },
  };
}
