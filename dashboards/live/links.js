// Where in the page something is: the part of the address behind the #.

export const roomLink = (kind, room) => `#/room/${kind}/${encodeURIComponent(room)}`;
export const sessionLink = (session) => `#/session/${encodeURIComponent(session)}`;

// The end of a session's name tells it from the others of its room.
export function shortSession(session, room) {
  const rest = room && session.startsWith(room) ? session.slice(room.length).replace(/^[-_/:.]+/, "") : session;
  return rest.length > 10 ? `…${rest.slice(-8)}` : rest || session;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// The view, the names in it, and what stands behind a question mark.
export function whereAmI() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...parts] = path.split("/");
  return { view: view || "now", parts: parts.map(decoded), query: new URLSearchParams(query) };
}
