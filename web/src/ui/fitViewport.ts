/**
 * Gives an element the size of what is really visible: with the on-screen keyboard open, iOS leaves the page's own
 * height alone and only shrinks the visual viewport. Sets --vv-height and --vv-top (px) while it is attached.
 */
export function fitViewport(element: HTMLElement): (() => void) | undefined {
  const viewport = window.visualViewport;
  if (!viewport) return undefined;
  const fit = () => {
    element.style.setProperty('--vv-height', `${viewport.height}px`);
    element.style.setProperty('--vv-top', `${viewport.offsetTop}px`);
  };
  fit();
  viewport.addEventListener('resize', fit);
  viewport.addEventListener('scroll', fit);
  return () => {
    viewport.removeEventListener('resize', fit);
    viewport.removeEventListener('scroll', fit);
  };
}
