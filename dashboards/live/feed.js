// The live feed: server-sent events read through fetch, so that a token can be sent. Begins again by itself.

import { open } from "./api.js";

const SILENT_MS = 6000;
const PAUSES_MS = [250, 500, 1000, 2000, 4000];

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    let end;
    while ((end = text.indexOf("\n\n")) >= 0) {
      const block = text.slice(0, end);
      text = text.slice(end + 2);
      const found = /^event: (.*)\ndata: ([^]*)$/.exec(block);
      yield found ? { event: found[1], data: JSON.parse(found[2]) } : { event: "comment" };
    }
  }
}

// Tells `on.snapshot`, `on.update`, `on.health`, `on.beat`, and `on.lost(whenMs)` each time the connection is gone.
export async function follow(on) {
  let tries = 0;
  let heardMs = Date.now();
  let abort = new AbortController();
  setInterval(() => {
    if (Date.now() - heardMs > SILENT_MS) abort.abort();
  }, 1000);
  for (;;) {
    abort = new AbortController();
    heardMs = Date.now();
    try {
      const response = await open("/v1/live", { signal: abort.signal });
      if (response.ok) {
        for await (const { event, data } of events(response.body)) {
          heardMs = Date.now();
          tries = 0;
          on[event]?.(data);
        }
      }
    } catch {
      // Whatever broke it off, it is begun again.
    }
    on.lost(heardMs);
    await new Promise((done) => setTimeout(done, PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]));
    tries += 1;
  }
}
