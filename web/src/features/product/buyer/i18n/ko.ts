/** Fetched with the pages that need them; en.ts must have every entry. */
const ko = {
  failed: '상품을 불러오지 못했습니다.',
  gone: '판매하지 않는 상품입니다.',
  ask: '판매자에게 문의',
  buy: '구매하기',
  buyFailed: '주문하지 못했습니다.',
  quantity: '수량',
  more: '수량 늘리기',
  less: '수량 줄이기',
  total: '합계',
  stock: (n: number) => `재고 ${n}개`,
  about: '상품 설명',
  noDescription: '설명이 없는 상품입니다. 궁금한 점은 판매자에게 물어보세요.',
  soldBy: '판매자',
  tooMany: (left: number) =>
    left > 0 ? `지금은 ${left}개까지 살 수 있습니다.` : '방금 품절되었습니다.',
};

export type ProductWords = typeof ko;
export default ko;
