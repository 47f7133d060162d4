/**
 * The secret of a mailed link, out of the address's fragment: it has never been sent to a server, and from here on it is
 * in no history, bookmark or screenshot of the address bar either.
 */
export function takeToken(): string | undefined {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return undefined;
  history.replaceState(history.state, '', location.pathname + location.search);
  return token;
}
