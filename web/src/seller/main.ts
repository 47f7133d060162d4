import '../ui/styles/tokens.css';
import '../ui/styles/base.css';
import { mount } from 'svelte';
import { api } from '../api/client';
import { startLocale } from '../ui/i18n';
import { Router } from '../ui/router/router.svelte';
import { startTheme } from '../ui/theme.svelte';
import App from './App.svelte';
import { patterns } from '../kit/seller/routes';

startTheme();
await startLocale();

const target = document.getElementById('app');
if (target) mount(App, { target, props: { api, router: new Router(patterns) } });
