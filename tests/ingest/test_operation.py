"""What operators and visitors see, with the store out of reach."""

from tests.ingest.serving import Guest, Served


def test_it_is_alive(server: Served) -> None:
    assert server.http.get("/healthz").json() == {"status": "ok"}


def test_what_is_out_of_reach_is_named(server: Served) -> None:
    reply = server.http.get("/readyz")
    assert reply.status_code == 503
    body = reply.json()
    assert (body["ready"], body["log"], body["missing"]) == (False, "ok", ["store", "processor"])
    assert reply.headers["Retry-After"] == "1"


def test_metrics_are_shown_also_without_the_store(server: Served, guest: Guest) -> None:
    assert guest.status().status_code == 204
    reply = server.http.get("/metrics")
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    values = dict(line.rsplit(" ", 1) for line in reply.text.splitlines() if not line.startswith("#"))
    assert float(values["roomstate_ingest_inputs_accepted_total"]) > 0
    assert float(values['roomstate_ingest_loop_replies_total{status="204"}']) > 0
    assert float(values["roomstate_ingest_directory_rooms"]) > 0
    assert 'roomstate_inputs{place="accepted"}' not in values


def test_every_route_is_described(server: Served) -> None:
    paths = server.http.get("/openapi.json").json()["paths"]
    assert {"get", "post", "patch", "delete"} <= set(paths["/rooms/{token}"])
    assert {"/registration", "/rooms", "/v1/inputs", "/v1/accounting", "/readyz", "/metrics"} <= set(paths)
    assert server.http.get("/docs").status_code == 200


def test_reads_without_the_store_are_a_503(server: Served) -> None:
    for path in ("/v1/accounting", "/v1/rooms", "/v1/rooms/x", "/v1/sessions/x"):
        reply = server.http.get(path)
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")


def test_a_proxy_on_this_machine_may_say_who_was_before_it(server: Served, guest: Guest) -> None:
    guest.headers["X-Forwarded-For"] = "192.0.2.9"
    assert guest.status().status_code == 204
    assert [item.client_ip for item in server.inputs() if item.room == guest.room][-1] == "192.0.2.9"
