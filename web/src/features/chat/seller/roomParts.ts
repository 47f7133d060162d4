// What an open room needs beside the inbox: fetched together, while the inbox is already on screen.
export { default as Context } from './Context.svelte';
export { default as KeyList } from './KeyList.svelte';
export { default as RoomView } from './RoomView.svelte';
