// Who is live, by room. Holds what the feed said last; tells nobody by itself.

const FIELDS = ["kind", "room", "session", "openedMs", "state", "connections", "sends", "receives", "seenMs", "leaseMs", "user"];

const roomKey = (kind, room) => `${kind}/${room}`;

export class Model {
  constructor() {
    this.rooms = new Map();
    this.counts = [];
    this.isWhole = true;
    this.atMs = 0;
    this.changes = 0; // grows whenever rooms, people or states differ
  }

  replace({ sessions, counts, is_whole: isWhole, at_ms: atMs }) {
    this.rooms = new Map();
    sessions.forEach((fields) => this.#put(fields));
    Object.assign(this, { counts, isWhole, atMs, changes: this.changes + 1 });
  }

  update({ changed, gone, counts, at_ms: atMs }) {
    changed.forEach((fields) => this.#put(fields));
    gone.forEach(([kind, room, session]) => this.#drop(kind, room, session));
    Object.assign(this, { counts, atMs });
    if (changed.length || gone.length) this.changes += 1;
  }

  count(state, kind) {
    return this.counts.find(([ofKind, ofState]) => ofState === state && ofKind === kind)?.[2] ?? 0;
  }

  countOf(kind) {
    return this.counts.reduce((sum, [ofKind, , number]) => sum + (ofKind === kind ? number : 0), 0);
  }

  #put(fields) {
    const person = Object.fromEntries(FIELDS.map((field, index) => [field, fields[index]]));
    const key = roomKey(person.kind, person.room);
    let room = this.rooms.get(key);
    if (!room) {
      room = { key, kind: person.kind, name: person.room, people: new Map(), sinceMs: person.openedMs };
      this.rooms.set(key, room);
    }
    room.sinceMs = Math.min(room.sinceMs, person.openedMs);
    room.people.set(person.session, person);
  }

  #drop(kind, name, session) {
    const room = this.rooms.get(roomKey(kind, name));
    if (!room) return;
    room.people.delete(session);
    if (room.people.size === 0) this.rooms.delete(room.key);
  }
}
