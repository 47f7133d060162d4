package demo

import (
	"fmt"

	"mall/modules/platform/id"
	"mall/modules/product"
)

// article is a line of the demo catalogue; motif chooses the drawing of its picture (see motifs).
type article struct {
	category string
	motif    int
	name     string
	price    int64
	list     int64 // the price before a sale, 0 when there is none
	stock    int64
	text     string
}

// catalogue is what the two shops sell: 달빛상점 (moonShop) clothes and things for the home, 숲속공방
// (forestShop) handmade things and food. The ids are always the same, so seeding twice changes nothing.
func catalogue(moonShop, forestShop id.ID) []product.SeedProduct {
	out := make([]product.SeedProduct, 0, len(moonGoods)+len(forestGoods))
	for i := range max(len(moonGoods), len(forestGoods)) {
		if i < len(forestGoods) {
			out = append(out, forestGoods[i].seed(len(out), forestShop))
		}
		if i < len(moonGoods) {
			out = append(out, moonGoods[i].seed(len(out), moonShop))
		}
	}
	return out
}

// seed gives the n-th demo product its id: of the usual kind, the first one sorting as the newest, the last byte its drawing.
func (d article) seed(n int, shop id.ID) product.SeedProduct {
	return product.SeedProduct{
		ID:     id.MustParse(fmt.Sprintf("0193a000-%04x-7000-8000-0000000000%02x", 0xffff-n, d.motif)),
		ShopID: shop,
		Draft: product.Draft{Name: d.name, Description: d.text, Category: d.category,
			PriceWon: d.price, ListPriceWon: d.list, Stock: d.stock},
	}
}

var moonGoods = []article{
	{"home", 0, "달빛 머그컵 350ml", 14900, 0, 84, "달이 차오르는 모습을 손으로 그려 넣은 도자기 머그컵입니다.\n용량 350ml, 전자레인지와 식기세척기를 쓸 수 있어요. 그림은 하나하나 조금씩 다릅니다."},
	{"fashion", 0, "데일리 오버핏 반팔 티셔츠", 19900, 26000, 240, "20수 면 100% 원단으로 비침이 적고 세탁 후에도 목이 늘어나지 않아요.\n사이즈 M · L · XL (모델 173cm, L 착용)"},
	{"home", 1, "무드등 침실 협탁 스탠드", 42000, 0, 31, "세 단계로 밝기를 조절하는 따뜻한 빛의 협탁 조명입니다.\n높이 32cm, USB-C 전원, 줄을 당겨 켜고 끕니다."},
	{"fashion", 3, "캐시미어 블렌드 머플러", 39000, 0, 58, "캐시미어 10%와 울을 섞어 짠 부드러운 겨울 머플러. 길이 190cm.\n드라이클리닝을 권합니다."},
	{"home", 2, "린넨 줄무늬 쿠션 커버 45×45", 16500, 0, 120, "워싱 린넨이라 처음부터 부드럽습니다. 지퍼형 커버이며 솜은 따로 판매합니다."},
	{"fashion", 1, "달밤 캔버스 에코백", 22000, 0, 97, "12온스 두꺼운 캔버스에 초승달을 인쇄했어요. 안주머니 하나, 14인치 노트북이 들어갑니다."},
	{"beauty", 0, "저자극 약산성 바디워시 500ml", 15800, 19800, 150, "pH 5.5 약산성, 향은 은은한 라벤더. 민감한 피부도 매일 쓸 수 있습니다.\n전성분은 문의로 보내 드려요."},
	{"home", 4, "소이 캔들 '늦은 오후' 200g", 21000, 0, 44, "콩기름 왁스로 만든 향초입니다. 무화과와 삼나무 향, 약 40시간 탑니다."},
	{"fashion", 2, "울 방울 비니", 17900, 0, 3, "메리노울 50% 비니. 방울은 떼어서 세탁할 수 있어요. 프리사이즈(머리둘레 54~60cm)."},
	{"digital", 0, "무선 헤드폰 달소리 H2", 89000, 109000, 26, "주변 소음을 줄여 주는 무선 헤드폰. 한 번 충전으로 38시간, 접어서 파우치에 넣을 수 있습니다.\nKC 인증, 1년 무상 수리."},
	{"home", 3, "초보 집사용 몬스테라 화분 세트", 28000, 0, 18, "물을 한 달에 두세 번만 주면 되는 몬스테라와 토분, 받침을 함께 드립니다.\n깨지지 않게 이중 포장해요."},
	{"beauty", 1, "수분 가득 히알루론 크림 50ml", 27500, 0, 73, "세 가지 크기의 히알루론산이 든 수분 크림. 무향, 무색소. 개봉 후 12개월 안에 쓰세요."},
	{"fashion", 0, "부드러운 모달 잠옷 상의", 24000, 0, 66, "모달 95%라 몸에 감기지 않고 가볍습니다. 집에서 입기 좋은 넉넉한 품."},
	{"home", 0, "이중 유리컵 2개 세트", 18900, 0, 0, "뜨거운 음료도 손이 뜨겁지 않은 내열 이중 유리컵 두 개. 용량 250ml.\n12월 초 다시 들어옵니다."},
	{"digital", 1, "저소음 무선 키보드 (한글 각인)", 56000, 0, 39, "사무실에서도 조용한 팬터그래프 키보드. 기기 세 대를 번갈아 연결합니다. AAA 건전지 2개 포함."},
	{"fashion", 1, "접이식 장바구니 라이트", 9900, 0, 310, "손바닥만 하게 접히는 장바구니. 5kg까지 담을 수 있고 물에 강합니다."},
	{"home", 2, "극세사 거실 러그 150×200", 54000, 69000, 12, "바닥 소음을 줄여 주는 도톰한 러그. 뒷면 미끄럼 방지, 물세탁 가능."},
	{"digital", 2, "달무늬 스마트폰 케이스", 18000, 0, 205, "충격을 흡수하는 이중 구조 케이스. 기종을 주문 메모나 문의로 알려 주세요."},
	{"beauty", 2, "숯 클렌징 바 100g", 8900, 0, 90, "국산 참숯 가루를 넣어 굳힌 세안 비누. 거품망을 함께 드립니다."},
	{"home", 1, "독서등 클립형 LED", 13900, 0, 47, "책상이나 침대에 물려 쓰는 작은 조명. 색온도 세 가지, 완전 충전에 20시간."},
}

var forestGoods = []article{
	{"hobby", 0, "손염색 메리노 털실 100g", 18500, 0, 60, "쑥과 양파 껍질로 조금씩 물들인 메리노 털실입니다. 대바늘 4~4.5mm 권장, 길이 약 200m.\n염색 날짜마다 색이 조금 다를 수 있어요."},
	{"food", 0, "산딸기 수제 잼 250g", 12000, 0, 74, "강원도 산딸기와 유기농 설탕만으로 졸인 잼. 설탕을 줄여 과일이 그대로 씹힙니다.\n개봉 후 냉장 보관, 3주 안에 드세요."},
	{"home", 3, "이끼 테라리움 만들기 세트", 32000, 0, 22, "유리병, 이끼, 흙, 작은 돌과 설명서가 들어 있어요. 한 시간이면 완성합니다."},
	{"food", 1, "우리밀 버터 쿠키 12개입", 15000, 0, 48, "우리밀과 국산 버터로 매일 아침 굽습니다. 보존료가 없어 받은 날부터 10일 안에 드세요.\n알레르기: 밀, 우유, 계란."},
	{"hobby", 3, "야생화 프랑스 자수 키트", 24500, 28000, 35, "수틀, 실 12색, 바늘, 도안이 인쇄된 천. 처음 하는 분도 따라 할 수 있는 영상 주소를 넣어 드립니다."},
	{"home", 4, "밀랍초 긴 초 4개 세트", 19000, 0, 53, "숲에서 친 꿀벌의 밀랍 100%. 은은한 꿀 향, 한 개에 약 6시간."},
	{"food", 2, "지리산 쑥차 40g", 13500, 0, 65, "봄에 딴 어린 쑥을 아홉 번 덖었습니다. 카페인이 없어 밤에도 좋아요."},
	{"beauty", 2, "쌀겨 수제 비누 3개입", 16800, 0, 41, "쌀겨와 올리브유로 만들어 여섯 주 숙성한 저온 비누. 얼굴과 몸에 모두 씁니다."},
	{"home", 0, "물레로 빚은 찻잔 (연회색)", 26000, 0, 9, "공방에서 물레로 하나씩 빚는 찻잔입니다. 크기와 색이 조금씩 달라요. 지름 8cm."},
	{"hobby", 1, "고체 물감 24색 나무 상자", 38000, 0, 27, "색이 맑은 고체 수채 물감과 자작나무 상자. 붓 한 자루를 함께 드립니다."},
	{"food", 3, "통밀 천연발효빵 600g", 9800, 0, 20, "르방으로 16시간 발효한 통밀빵. 화요일과 금요일에 구워 그날 보냅니다."},
	{"fashion", 3, "손뜨개 울 목도리 (아이보리)", 48000, 0, 5, "한 코 한 코 손으로 뜬 목도리입니다. 주문이 밀리면 나흘쯤 걸려요."},
	{"hobby", 2, "재생지 실 제본 노트", 11000, 0, 130, "재생지 96쪽을 실로 묶어 180도로 펼쳐집니다. 표지는 콩기름 인쇄."},
	{"food", 0, "토종꿀 아카시아 500g", 33000, 0, 0, "올해 5월에 뜬 아카시아꿀입니다. 다음 채밀은 내년 봄이에요."},
	{"home", 2, "천연염색 감물 방석", 29500, 0, 16, "제주 감물로 물들인 광목 방석. 쓸수록 색이 깊어집니다. 솜 포함, 40×40cm."},
	{"hobby", 0, "처음 뜨는 컵받침 뜨개 키트", 14500, 0, 82, "코바늘, 면실 세 가지 색, 그림 설명서. 컵받침 네 장을 뜰 수 있어요."},
}
