// Where in the page something is: the part of the address behind the #.

export const roomLink = (kind, room) => `#/room/${kind}/${encodeURIComponent(room)}`;
export const sessionLink = (session) => `#/session/${encodeURIComponent(session)}`;

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
