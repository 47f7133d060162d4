import type { SignInWords } from './ko';

const en: SignInWords = {
  title: 'Sign in',
  upTitle: 'Create an account',
  why: 'Sign in to go on with what you were doing.',
  email: 'E-mail',
  password: 'Password',
  passwordHint: 'At least 8 characters, none of the common ones, and without your name or e-mail.',
  name: 'Name',
  nameHint: 'Sellers see this name',
  submit: 'Sign in',
  upSubmit: 'Create account',
  toUp: 'New here? Create an account',
  toIn: 'Have an account? Sign in',
  failed: 'Signing in did not work.',
  upFailed: 'The account could not be created.',
  wrong: 'The e-mail address or the password is wrong.',
  taken: 'There is an account with this e-mail address already.',
  weak: 'This password is too common or too easy to guess. Please use another.',
  badEmail: 'Please check the e-mail address.',
  badName: 'A name can have up to 40 characters.',
  missing: 'Please fill this in.',
  short: 'At least 8 characters are needed.',
  welcome: (name) => `Welcome, ${name}.`,
};

export default en;
