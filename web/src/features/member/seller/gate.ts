// What stands before the console, fetched by those who need it.
export { default as NoShop } from './NoShop.svelte';
export { default as SignIn } from './SignIn.svelte';
export { default as SignInAgain } from './SignInAgain.svelte';
