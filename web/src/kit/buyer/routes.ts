/** The buyer app's pages; `?chat=ID` opens a room beside any of them. */
export const patterns = {
  home: '/',
  product: '/p/:id',
  inquiries: '/inquiries',
  inquiry: '/inquiries/:id',
  orders: '/orders',
  order: '/orders/:id',
  account: '/account',
  invitations: '/invitations',
  resetPassword: '/reset-password',
  proveEmail: '/prove-email',
  goodbye: '/goodbye',
};

/** Pages that give themselves their title. */
export const titled: ReadonlySet<string | undefined> = new Set([
  'product',
  'account',
  'invitations',
  'resetPassword',
  'proveEmail',
  'goodbye',
]);

export const paths = {
  product: (id: string) => `/p/${encodeURIComponent(id)}`,
  order: (id: string) => `/orders/${encodeURIComponent(id)}`,
  inquiry: (id: string) => `/inquiries/${encodeURIComponent(id)}`,
};
