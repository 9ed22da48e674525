// Where the seven states stand and how the diagram's edges run between them: once for wide screens, once for phones.

export const NODE = { width: 124, height: 60 };

// An edge: from, to, sort, how it runs (a path, or how far a bow lifts off the straight line), where its number stands.
const WIDE = {
  width: 1000,
  height: 496,
  states: {
    init: { x: 82, y: 253 },
    waiting: { x: 286, y: 253 },
    starting: { x: 490, y: 253 },
    receiving: { x: 700, y: 100 },
    cleanup: { x: 700, y: 253 },
    sending: { x: 700, y: 406 },
    sendrecv: { x: 910, y: 253 },
  },
  edges: [
    ["init", "waiting", "diagram", "M144 242H223", [184, 233]],
    ["waiting", "init", "diagram", "M224 264H145", [184, 284]],
    ["waiting", "starting", "diagram", "M348 242H427", [388, 233]],
    ["starting", "waiting", "exceptional", "M428 264H349", [388, 284]],
    ["starting", "receiving", "diagram", "M512 223C530 158 575 108 636 102", [549, 140]],
    ["starting", "sending", "diagram", "M512 283C530 348 575 398 636 404", [549, 372]],
    ["receiving", "sendrecv", "diagram", "M762 94C850 94 905 148 914 221", [878, 118]],
    ["sendrecv", "receiving", "diagram", "M888 223C880 168 835 120 764 116", [826, 176]],
    ["sending", "sendrecv", "diagram", "M762 412C850 412 905 358 914 285", [878, 396]],
    ["sendrecv", "sending", "diagram", "M888 283C880 338 835 386 764 390", [826, 338]],
    ["receiving", "cleanup", "diagram", "M700 130V221", [718, 180]],
    ["sending", "cleanup", "diagram", "M700 376V285", [718, 334]],
    ["cleanup", "waiting", "diagram", "M638 266C560 346 390 356 318 285", [474, 330]],
    ["receiving", "waiting", "exceptional", "M650 70C560 18 340 58 296 221", [398, 86]],
    ["sending", "waiting", "exceptional", "M650 436C560 490 330 462 280 285", [376, 416]],
    ["sendrecv", "waiting", "exceptional", "M926 223C926 -62 290 -62 268 221", [596, 12]],
  ],
};

const TALL = {
  width: 600,
  height: 740,
  states: {
    init: { x: 300, y: 46 },
    waiting: { x: 300, y: 176 },
    starting: { x: 300, y: 316 },
    receiving: { x: 128, y: 496 },
    cleanup: { x: 300, y: 456 },
    sending: { x: 472, y: 496 },
    sendrecv: { x: 300, y: 676 },
  },
  edges: [
    ["init", "waiting", "diagram", 14],
    ["waiting", "init", "diagram", 14],
    ["waiting", "starting", "diagram", 14],
    ["starting", "waiting", "exceptional", 14],
    ["starting", "receiving", "diagram", -20],
    ["starting", "sending", "diagram", 20],
    ["receiving", "sendrecv", "diagram", -34],
    ["sendrecv", "receiving", "diagram", -10],
    ["sending", "sendrecv", "diagram", 34],
    ["sendrecv", "sending", "diagram", 10],
    ["receiving", "cleanup", "diagram", 14],
    ["sending", "cleanup", "diagram", -14],
    ["cleanup", "waiting", "diagram", 200],
    ["receiving", "waiting", "exceptional", 90],
    ["sending", "waiting", "exceptional", -90],
    ["sendrecv", "waiting", "exceptional", 540],
  ],
};

export const shapeFor = (isNarrow) => (isNarrow ? TALL : WIDE);

function border(from, to) {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const scale = Math.min((NODE.width / 2 + 3) / Math.abs(dx || 1e-9), (NODE.height / 2 + 3) / Math.abs(dy || 1e-9));
  return { x: from.x + dx * scale, y: from.y + dy * scale };
}

// A bow that lifts off the straight line, to the left of its way if the lift is above 0; [path, where its number stands].
export function bow(from, to, lift) {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy);
  const aside = { x: (dy / length) * lift, y: (-dx / length) * lift };
  const middle = { x: (from.x + to.x) / 2 + aside.x, y: (from.y + to.y) / 2 + aside.y };
  // Neighbours' lines run beside each other: both ends are moved aside a little.
  const near = { x: aside.x * Math.min(1, 14 / Math.abs(lift)), y: aside.y * Math.min(1, 14 / Math.abs(lift)) };
  const start = border(from, { x: middle.x + near.x, y: middle.y + near.y });
  const end = border(to, { x: middle.x + near.x, y: middle.y + near.y });
  const at = [(start.x + 2 * middle.x + end.x) / 4, (start.y + 2 * middle.y + end.y) / 4];
  return [`M${start.x} ${start.y}Q${middle.x} ${middle.y} ${end.x} ${end.y}`, at];
}

// How a move runs that no edge of the diagram stands for: away from the middle, and its way back farther out.
// `rank` keeps different sorts of the same move apart.
export function freeBow(states, fromName, toName, rank) {
  const from = states[fromName];
  const to = states[toName];
  const isBack = fromName > toName;
  const lift = 0.2 * Math.hypot(to.x - from.x, to.y - from.y) + (isBack ? 40 : 18) + 44 * rank;
  const middle = states.starting;
  const farther = [lift, -lift].map((each) => [each, bow(from, to, each)[1]]);
  farther.sort(([, a], [, b]) => Math.hypot(b[0] - middle.x, b[1] - middle.y) - Math.hypot(a[0] - middle.x, a[1] - middle.y));
  return bow(from, to, farther[0][0]);
}

export const coming = ({ x, y }, isNarrow) => (isNarrow ? `M${x} ${y - 46}v14` : `M${x - 82} ${y}h18`);
export const leaving = ({ x, y }) => `M${x} ${y + 30}v24`;
