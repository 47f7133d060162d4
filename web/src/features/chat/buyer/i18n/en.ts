import type { InquiryWords } from './ko';

const en: InquiryWords = {
  title: 'My inquiries',
  failed: 'The inquiries could not be loaded.',
  none: 'No inquiries yet. Ask a seller from any product.',
  shop: 'Browse products',
  choose: 'Choose a conversation.',
  noMessage: 'No messages yet',
  mine: (text) => `Me: ${text}`,
  drawer: 'Conversation with the seller',
  backToList: 'Back to the inquiries',
  openPage: 'Open as a page',
  askFailed: 'The inquiry could not be opened.',
  presence: {
    now: 'Online now',
    minutes: (n) => `Seen ${n} min ago`,
    today: 'Seen today',
  },
  states: { waiting: 'Waiting for an answer', open: 'Open', held: 'Being checked', done: 'Closed' },
};

export default en;
