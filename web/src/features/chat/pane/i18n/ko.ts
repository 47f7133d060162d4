/** The pane's own texts, fetched with it; en.ts must have every entry. */
const ko = {
  logLabel: (name: string) => `${name}와의 대화`.replace(/(.)와의/, particleWith),
  newFrom: (name: string, text: string) => `${name}: ${text}`,
  newMany: (n: number) => `새 메시지 ${n}개`,
  unreadFrom: '여기까지 읽었습니다',
  start: '대화의 시작입니다',
  loadingOlder: '이전 메시지를 불러오는 중',
  olderFailed: '이전 메시지를 불러오지 못했습니다.',
  loadFailed: '대화를 불러오지 못했습니다.',
  jump: '맨 아래로',
  toComposer: '메시지 입력으로 건너뛰기',
  showAll: '전체 보기',
  me: '나',
  mall: '안내',
  states: {
    queued: '전송 대기',
    queuedHint: '연결되면 전송',
    sending: '전송 중',
    unread: '안 읽음',
    read: '읽음',
    failed: '전송 실패',
    resend: '다시 보내기',
    discard: '삭제',
    shown: { sent: '', delivered: '', read: '' },
  },
  composer: {
    label: '메시지',
    placeholder: '메시지를 입력하세요',
    send: '보내기',
    hint: 'Enter로 보내고 Shift+Enter로 줄을 바꿉니다',
    left: (n: number) => (n >= 0 ? `${n}자 남음` : `${-n}자 초과`),
    tooLong: (limit: number) => `${limit.toLocaleString('en-US')}자까지 보낼 수 있습니다.`,
    risky: '연락처나 계좌·카드 번호가 있나요? 몰 밖의 거래는 보호받지 못합니다.',
  },
  typing: (names: string) => `${names}님이 입력 중`,
  typingShop: (name: string) => `${name}에서 입력 중`,
  connection: {
    reconnecting: '다시 연결하는 중…',
    offline: '오프라인입니다. 보낸 메시지는 연결되면 전송됩니다.',
    retryIn: (seconds: number) => `연결이 끊겼습니다. ${seconds}초 후 다시 연결`,
    connectNow: '지금 연결',
    connected: '연결됨',
    signIn: '로그인이 만료되었습니다. 쓰던 내용은 그대로 있습니다.',
    signInNow: '로그인',
    refused: '이 계정으로는 지금 대화할 수 없습니다.',
    tooMany: '다른 창이 너무 많이 열려 있어 이 창의 연결을 닫았습니다.',
    closed: '연결이 닫혔습니다.',
  },
  menu: '대화 메뉴',
  block: {
    do: '차단하기',
    undo: '차단 해제',
    title: (name: string) => `${name} 차단`,
    why: '차단하면 서로 메시지를 보낼 수 없고, 상대방도 차단된 것을 알게 됩니다. 지난 대화와 주문 안내는 그대로 보입니다.',
    failed: '차단하지 못했습니다.',
    undoFailed: '차단을 해제하지 못했습니다.',
    byUs: '차단한 상대입니다. 서로 메시지를 보낼 수 없습니다.',
    byPeer: '상대방이 차단하여 메시지를 보낼 수 없습니다.',
  },
  report: {
    do: '신고하기',
    title: '신고하기',
    why: '몰에서 내용을 확인합니다. 상대방에게는 알리지 않습니다.',
    reason: '신고 이유',
    reasons: {
      spam: '스팸·광고',
      abuse: '욕설·괴롭힘',
      fraud: '사기·거짓 정보',
      privacy: '개인정보 침해',
      illegal: '불법 상품·행위',
      other: '기타',
    },
    about: '신고할 메시지',
    whole: '대화 전체',
    text: '자세한 내용',
    textHint: (limit: number) => `선택 사항이며 ${limit}자까지 쓸 수 있습니다`,
    tooLong: (limit: number) => `${limit}자까지 쓸 수 있습니다.`,
    pick: '골라 주세요',
    missing: '신고 이유를 골라 주세요.',
    submit: '신고하기',
    failed: '신고하지 못했습니다.',
    done: '신고를 접수했습니다',
  },
  priceThen: (price: string) => `문의 당시 ${price}`,
  firstTime: '무엇이든 물어보세요',
  questions: ['재고 있나요?', '배송은 얼마나 걸리나요?', '사이즈 추천해 주세요'],
  questionsLabel: '자주 묻는 질문',
};

/** 와 or 과, as the sound before it wants: 한글 with a final consonant takes 과. */
function particleWith(_: string, last: string): string {
  const syllable = last.charCodeAt(0) - 0xac00;
  const closed = syllable >= 0 && syllable <= 11171 && syllable % 28 !== 0;
  return `${last}${closed ? '과' : '와'}의`;
}

export type PaneTexts = typeof ko;
export default ko;
