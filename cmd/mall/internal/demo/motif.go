package demo

// box is drawn for a product that is hidden.
const box = `<path d="M92 184l108-52 108 52-108 54z" fill="@light" stroke="@dark" stroke-width="6" stroke-linejoin="round"/>` +
	`<path d="M92 184v92l108 42v-80zM308 184v92l-108 42v-80z" fill="@main" stroke="@dark" stroke-width="6" stroke-linejoin="round"/>` +
	`<path d="M146 158l108 53v36l-22 9v-34l-110-53z" fill="@accent" fill-opacity=".8"/>`

// motifs are the things drawn for each category, on a field of 400 by 400 whose ground is at y = 318.
// The names of colours (@main …) are filled in from a palette.
var motifs = map[string][]string{
	"fashion": {
		// a T-shirt
		`<path d="M150 96l-66 38 24 58 28-14v138h128V178l28 14 24-58-66-38c-8 24-26 36-50 36s-42-12-50-36z" fill="@main" stroke="@dark" stroke-width="6" stroke-linejoin="round"/>` +
			`<path d="M150 96c8 24 26 36 50 36s42-12 50-36" fill="none" stroke="@light" stroke-width="8"/><path d="M172 206h56M172 226h36" stroke="@light" stroke-width="8" stroke-linecap="round"/>`,
		// a tote bag
		`<path d="M152 168v-26c0-32 20-54 48-54s48 22 48 54v26" fill="none" stroke="@dark" stroke-width="12" stroke-linecap="round"/>` +
			`<path d="M112 160h176l14 156H98z" fill="@light" stroke="@dark" stroke-width="6" stroke-linejoin="round"/><circle cx="200" cy="238" r="36" fill="@accent"/><circle cx="216" cy="228" r="30" fill="@light"/>`,
		// a knitted hat
		`<path d="M108 262c0-76 38-122 92-122s92 46 92 122z" fill="@main" stroke="@dark" stroke-width="6"/><rect x="94" y="252" width="212" height="58" rx="22" fill="@light" stroke="@dark" stroke-width="6"/>` +
			`<circle cx="200" cy="122" r="30" fill="@accent" stroke="@dark" stroke-width="6"/><path d="M150 258c0-46 10-78 26-98M250 258c0-46-10-78-26-98M200 252v-92" fill="none" stroke="@dark" stroke-opacity=".35" stroke-width="6"/>`,
		// a scarf
		`<path d="M172 172l-52-14-18 116h62z" fill="@main" stroke="@dark" stroke-width="6" stroke-linejoin="round"/><path d="M108 274v18M126 274v20M144 274v20M160 274v18" stroke="@dark" stroke-width="6" stroke-linecap="round"/>` +
			`<path d="M228 172l52-14 18 142h-62z" fill="@main" stroke="@dark" stroke-width="6" stroke-linejoin="round"/><path d="M234 216l54-8M236 250l56-6M166 216l-54-8M165 244l-57-6" stroke="@light" stroke-width="10"/><path d="M242 300v18M258 300v20M276 300v20M292 300v18" stroke="@dark" stroke-width="6" stroke-linecap="round"/>` +
			`<path d="M132 112c36 30 100 30 136 0l24 44c-52 42-132 42-184 0z" fill="@main" stroke="@dark" stroke-width="6" stroke-linejoin="round"/><path d="M142 150c36 20 80 20 116 0" fill="none" stroke="@accent" stroke-width="8" stroke-linecap="round"/>`,
	},
	"beauty": {
		// a pump bottle
		`<path d="M188 126v-26h-34" fill="none" stroke="@dark" stroke-width="10" stroke-linecap="round" stroke-linejoin="round"/><rect x="172" y="126" width="56" height="26" rx="6" fill="@dark"/>` +
			`<rect x="138" y="152" width="124" height="166" rx="22" fill="@main" stroke="@dark" stroke-width="6"/><rect x="138" y="202" width="124" height="62" fill="@light"/><path d="M200 214c14 14 18 24 0 38-18-14-14-24 0-38z" fill="@accent"/>`,
		// a jar of cream
		`<rect x="112" y="196" width="176" height="122" rx="26" fill="@light" stroke="@dark" stroke-width="6"/><rect x="104" y="152" width="192" height="52" rx="14" fill="@main" stroke="@dark" stroke-width="6"/>` +
			`<path d="M152 258h96" stroke="@accent" stroke-width="10" stroke-linecap="round"/><path d="M168 280h64" stroke="@accent" stroke-opacity=".6" stroke-width="8" stroke-linecap="round"/>`,
		// a bar of soap
		`<rect x="100" y="214" width="200" height="104" rx="44" fill="@main" stroke="@dark" stroke-width="6"/><rect x="130" y="236" width="140" height="44" rx="22" fill="none" stroke="@light" stroke-width="6"/>` +
			`<circle cx="152" cy="172" r="26" fill="@light" stroke="@dark" stroke-width="5"/><circle cx="206" cy="142" r="18" fill="@light" stroke="@dark" stroke-width="5"/><circle cx="238" cy="182" r="12" fill="@accent" fill-opacity=".6"/>`,
	},
	"food": {
		// a jar of preserve
		`<rect x="136" y="116" width="128" height="42" rx="10" fill="@accent" stroke="@dark" stroke-width="6"/><path d="M132 158h136c20 18 26 34 26 60v72c0 16-12 28-28 28H134c-16 0-28-12-28-28v-72c0-26 6-42 26-60z" fill="@main" stroke="@dark" stroke-width="6"/>` +
			`<rect x="140" y="206" width="120" height="72" rx="10" fill="@light"/><circle cx="186" cy="246" r="17" fill="@main"/><circle cx="216" cy="250" r="17" fill="@accent"/><path d="M186 228c6-12 18-14 26-10" fill="none" stroke="@dark" stroke-width="5" stroke-linecap="round"/>`,
		// biscuits
		`<circle cx="166" cy="238" r="76" fill="@main" stroke="@dark" stroke-width="6"/><circle cx="250" cy="262" r="54" fill="@light" stroke="@dark" stroke-width="6"/>` +
			`<g fill="@dark"><circle cx="140" cy="212" r="9"/><circle cx="182" cy="198" r="8"/><circle cx="160" cy="252" r="10"/><circle cx="124" cy="258" r="7"/></g><g fill="@accent"><circle cx="238" cy="246" r="7"/><circle cx="266" cy="258" r="8"/><circle cx="246" cy="284" r="7"/></g>`,
		// a teacup with its leaf
		`<path d="M158 150c-10-16 10-22 0-40M200 146c-10-16 10-22 0-40M242 150c-10-16 10-22 0-40" fill="none" stroke="@dark" stroke-opacity=".4" stroke-width="7" stroke-linecap="round"/>` +
			`<path d="M106 186h188c0 72-36 116-94 116s-94-44-94-116z" fill="@light" stroke="@dark" stroke-width="6" stroke-linejoin="round"/><path d="M122 214h156c-6 20-16 36-28 48H150c-12-12-22-28-28-48z" fill="@main"/><path d="M178 238c20-18 44-14 52-10-6 18-30 26-52 10z" fill="@accent"/><ellipse cx="200" cy="310" rx="84" ry="9" fill="@dark"/>`,
		// a loaf
		`<path d="M112 318c-22 0-32-52-24-88 8-38 54-62 112-62s104 24 112 62c8 36-2 88-24 88z" fill="@main" stroke="@dark" stroke-width="6"/><path d="M142 214l26 40M190 198l26 44M240 204l24 42" stroke="@light" stroke-width="12" stroke-linecap="round"/>`,
	},
	"home": {
		// a mug
		`<path d="M262 178h26c28 0 28 78-6 84h-24" fill="none" stroke="@dark" stroke-width="16" stroke-linecap="round"/><path d="M112 142h152v140c0 22-14 36-36 36h-80c-22 0-36-14-36-36z" fill="@main" stroke="@dark" stroke-width="6" stroke-linejoin="round"/>` +
			`<circle cx="188" cy="232" r="34" fill="@light"/><circle cx="202" cy="222" r="28" fill="@main"/><path d="M166 122c-8-14 8-18 0-34M210 122c-8-14 8-18 0-34" fill="none" stroke="@dark" stroke-opacity=".4" stroke-width="7" stroke-linecap="round"/>`,
		// a lamp
		`<path d="M152 92h96l42 110H110z" fill="@light" stroke="@dark" stroke-width="6" stroke-linejoin="round"/><path d="M200 202v98" stroke="@dark" stroke-width="10"/><rect x="142" y="298" width="116" height="20" rx="10" fill="@main" stroke="@dark" stroke-width="6"/>` +
			`<path d="M152 92h96l12 32H140z" fill="@accent"/><path d="M250 202v34" stroke="@dark" stroke-width="5"/><circle cx="250" cy="242" r="7" fill="@accent"/>`,
		// a cushion
		`<path d="M104 146c64 14 128 14 192 0 14 56 14 108 0 164-64-14-128-14-192 0-14-56-14-108 0-164z" fill="@main" stroke="@dark" stroke-width="6" stroke-linejoin="round"/>` +
			`<path d="M150 158v142M200 160v140M250 158v142" stroke="@light" stroke-width="10" stroke-opacity=".8"/><circle cx="200" cy="228" r="12" fill="@accent" stroke="@dark" stroke-width="5"/>`,
		// a plant in its pot
		`<path d="M200 226c-8-48-40-74-84-76 4 44 36 74 84 76zM200 226c4-58 36-92 80-98 6 50-26 90-80 98zM200 226c-18-42-14-86 4-122 24 34 22 80-4 122z" fill="@accent" stroke="@dark" stroke-width="6" stroke-linejoin="round"/>` +
			`<path d="M134 222h132l-16 96h-100z" fill="@main" stroke="@dark" stroke-width="6" stroke-linejoin="round"/><rect x="124" y="212" width="152" height="26" rx="8" fill="@light" stroke="@dark" stroke-width="6"/>`,
		// a candle
		`<path d="M200 92c24 30 26 50 0 66-26-16-24-36 0-66z" fill="@accent" stroke="@dark" stroke-width="5"/><path d="M200 146v32" stroke="@dark" stroke-width="6"/><rect x="136" y="178" width="128" height="140" rx="16" fill="@light" stroke="@dark" stroke-width="6"/>` +
			`<path d="M136 218h128v44H136z" fill="@main"/><path d="M166 240h68" stroke="@light" stroke-width="8" stroke-linecap="round"/>`,
	},
	"digital": {
		// headphones
		`<path d="M104 250v-34c0-62 42-106 96-106s96 44 96 106v34" fill="none" stroke="@dark" stroke-width="16" stroke-linecap="round"/>` +
			`<rect x="84" y="226" width="56" height="92" rx="24" fill="@main" stroke="@dark" stroke-width="6"/><rect x="260" y="226" width="56" height="92" rx="24" fill="@main" stroke="@dark" stroke-width="6"/><path d="M112 252v40M288 252v40" stroke="@light" stroke-width="9" stroke-linecap="round"/>`,
		// a keyboard
		`<rect x="66" y="194" width="268" height="124" rx="20" fill="@light" stroke="@dark" stroke-width="6"/>` +
			`<g fill="@main"><rect x="86" y="214" width="36" height="24" rx="6"/><rect x="132" y="214" width="36" height="24" rx="6"/><rect x="178" y="214" width="36" height="24" rx="6"/><rect x="224" y="214" width="36" height="24" rx="6"/><rect x="86" y="248" width="48" height="24" rx="6"/><rect x="144" y="248" width="36" height="24" rx="6"/><rect x="190" y="248" width="36" height="24" rx="6"/><rect x="236" y="248" width="78" height="24" rx="6"/></g>` +
			`<rect x="270" y="214" width="44" height="24" rx="6" fill="@accent"/><rect x="132" y="282" width="136" height="20" rx="6" fill="@dark" fill-opacity=".6"/>`,
		// a phone in its case
		`<rect x="134" y="92" width="132" height="226" rx="24" fill="@main" stroke="@dark" stroke-width="6"/><rect x="150" y="110" width="44" height="60" rx="14" fill="@light" stroke="@dark" stroke-width="5"/><circle cx="172" cy="128" r="9" fill="@dark"/><circle cx="172" cy="152" r="9" fill="@dark"/>` +
			`<path d="M176 262c16-30 36-34 56-34-2 30-22 46-56 34z" fill="@accent"/>`,
	},
	"hobby": {
		// a ball of yarn
		`<path d="M262 112l-90 130M294 136l-96 116" stroke="@dark" stroke-width="8" stroke-linecap="round"/><circle cx="264" cy="108" r="11" fill="@accent"/><circle cx="298" cy="132" r="11" fill="@accent"/>` +
			`<circle cx="186" cy="238" r="80" fill="@main" stroke="@dark" stroke-width="6"/><path d="M118 212c40-26 98-22 136 12M110 246c50-30 106-20 148 22M132 294c20-60 60-102 106-108M164 312c10-58 44-100 92-114" fill="none" stroke="@light" stroke-width="6"/><path d="M250 300c30 20 50 4 74 14" fill="none" stroke="@main" stroke-width="8" stroke-linecap="round"/>`,
		// paints
		`<path d="M200 128c-64 0-112 42-112 96 0 50 42 90 96 90 18 0 22-14 18-28-4-16 6-28 24-28h38c28 0 48-20 48-48 0-48-50-82-112-82z" fill="@light" stroke="@dark" stroke-width="6"/>` +
			`<circle cx="146" cy="200" r="18" fill="@main"/><circle cx="200" cy="174" r="18" fill="@accent"/><circle cx="254" cy="200" r="18" fill="@dark"/><circle cx="140" cy="252" r="16" fill="@accent" fill-opacity=".6"/><path d="M300 92l-64 96" stroke="@dark" stroke-width="12" stroke-linecap="round"/>`,
		// a notebook
		`<rect x="120" y="106" width="166" height="212" rx="14" fill="@main" stroke="@dark" stroke-width="6"/><path d="M152 106v212" stroke="@dark" stroke-opacity=".5" stroke-width="6"/><rect x="176" y="148" width="84" height="52" rx="8" fill="@light"/><path d="M190 166h56M190 182h36" stroke="@dark" stroke-opacity=".6" stroke-width="6" stroke-linecap="round"/>` +
			`<path d="M108 142h28M108 182h28M108 222h28M108 262h28" stroke="@dark" stroke-width="8" stroke-linecap="round"/><path d="M300 318l12-196 14-24 14 24-12 196z" fill="@accent" stroke="@dark" stroke-width="5" stroke-linejoin="round"/>`,
		// a hoop of embroidery
		`<rect x="186" y="86" width="28" height="32" rx="6" fill="@accent" stroke="@dark" stroke-width="5"/><circle cx="200" cy="216" r="102" fill="@light" stroke="@dark" stroke-width="6"/><circle cx="200" cy="216" r="90" fill="none" stroke="@main" stroke-width="12"/>` +
			`<path d="M200 272v-58" stroke="@accent" stroke-width="8" stroke-linecap="round"/><path d="M200 250c-20-2-32-12-36-28 20 0 32 10 36 28zM200 250c20-2 32-12 36-28-20 0-32 10-36 28z" fill="@accent"/><g fill="@main"><circle cx="200" cy="178" r="13"/><circle cx="182" cy="196" r="13"/><circle cx="218" cy="196" r="13"/></g><circle cx="200" cy="192" r="10" fill="@dark"/>`,
	},
}
