import type { Words } from './ko';

const en: Words = {
  nav: {
    label: 'Main',
    inquiries: 'My inquiries',
    orders: 'My orders',
    account: 'My account',
    signIn: 'Sign in',
    signOut: 'Sign out',
    signedOut: 'You are signed out.',
    seller: 'Seller console',
  },
  home: {
    title: 'Today’s products',
    search: 'Search products',
    searchHint: 'What are you looking for?',
    categories: 'Categories',
    all: 'All',
    results: (q) => `Results for “${q}”`,
    none: 'There are no products here.',
    noneFor: (q) => `Nothing matches “${q}”.`,
    showAll: 'Show all products',
    failed: 'The products could not be loaded.',
    loadedMore: (n) => `${n} more products loaded.`,
    end: 'That is all',
  },
  members: {
    needed: 'Sign in to see this.',
    failedCheck: 'It could not be checked whether you are signed in.',
  },
  newVersion: 'There is a new version.',
  reload: 'Reload',
  chatFailed: 'The chat could not be started.',
};

export default en;
