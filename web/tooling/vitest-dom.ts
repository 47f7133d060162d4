import { cleanup } from '@testing-library/svelte';
import { afterEach } from 'vitest';

// Without global test hooks the library cannot register its own clean-up.
afterEach(cleanup);
