"""Every AI Content and Data Events call through Intercom's official Python client. Started by check.sh."""

import json
import os
import sys
import time
import urllib.request
import uuid

import httpx
from intercom import Intercom
from intercom.core.api_error import ApiError
from intercom.errors import UnauthorizedError
from intercom.events.types import CreateDataEventSummariesRequestEventSummaries
from intercom.types import CreateDataEventRequestWithEmail, CreateDataEventRequestWithUserId

URL = os.environ["SDK_URL"].rstrip("/")
SIMULATOR = os.environ["SDK_SIMULATOR_URL"].rstrip("/")
RUN = uuid.uuid4().hex[:8]
passed = failed = 0


def client(token):
    return Intercom(token=token, base_url=URL, timeout=20)


def check(name, condition, found=""):
    global passed, failed
    if condition:
        passed += 1
        print(f"ok   python {name}")
    else:
        failed += 1
        print(f"FAIL python {name}: {found}")


def error(call, **arguments):
    """The error that a call ends with, none if it succeeds."""
    try:
        call(**arguments)
    except ApiError as found:
        return found
    return None


def order(fault):
    """Asks the simulator for one fault, or with none for the end of all."""
    body = None if fault is None else json.dumps({"fault": fault, "count": 1}).encode()
    request = urllib.request.Request(
        f"{SIMULATOR}/_simulator/faults",
        data=body,
        method="DELETE" if fault is None else "POST",
        headers={"content-type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=20).close()


def sources(content):
    root = f"https://docs.example.com/{RUN}"
    source = content.create_content_import_source(url=root)
    check("create_content_import_source", isinstance(source.id, int) and source.status == "active", source)
    twin = content.create_content_import_source(url=root, status="deactivated")
    check("two creates make twins", twin.id != source.id and twin.status == "deactivated", twin)
    listed = content.list_content_import_sources()
    total = listed.total_count
    check("list_content_import_sources", total >= 2 and listed.type == "list" and listed.pages.next is None, listed)
    found = content.get_content_import_source(source_id=str(source.id))
    check("get_content_import_source", found == source, found)
    changed = content.update_content_import_source(
        source_id=str(source.id), sync_behavior="api", url=f"{root}/new", status="deactivated"
    )
    check("update_content_import_source", changed.url == f"{root}/new" and changed.status == "deactivated", changed)
    content.delete_content_import_source(source_id=str(twin.id))
    missing = error(content.get_content_import_source, source_id=str(twin.id))
    check("delete_content_import_source", missing is not None and missing.status_code == 404, missing)
    return source.id


def pages(content, source_id):
    def upsert(external_id, **more):
        return content.create_external_page(
            title="Title", html="<p>Text</p>", url="https://docs.example.com/a", source_id=source_id,
            external_id=external_id, **more,
        )

    page = upsert("a")
    check("create_external_page", isinstance(page.id, str) and page.source_id == source_id, page)
    check("a new page is off", (page.ai_agent_availability, page.ai_copilot_availability) == (False, False), page)
    on = upsert("a", ai_agent_availability=True, ai_copilot_availability=True)
    check("create_external_page updates", on.id == page.id and on.ai_agent_availability, on)
    check("flags that are not sent stay", upsert("a").ai_agent_availability is True)
    without = content.create_external_page(title="T", html="<p>x</p>", source_id=source_id, external_id="no-url")
    check("create_external_page without a url", without.url is None, without)
    found = content.get_external_page(page_id=page.id)
    check("get_external_page", found.id == page.id and found.html == "<p>Text</p>", found)
    renamed = content.update_external_page(
        page_id=page.id, title="New", html="<p>New</p>", url="https://docs.example.com/b", source_id=source_id,
        external_id="b", fin_availability=True,
    )
    check("update_external_page", renamed.id == page.id and renamed.external_id == "b", renamed)
    listed = content.list_external_pages()
    check("list_external_pages", listed.type == "list" and any(item.id == page.id for item in listed.data), listed)
    check("list_external_pages pages", (listed.pages.page, listed.pages.per_page) == (1, 50), listed.pages)
    deleted = content.delete_external_page(page_id=page.id)
    check("delete_external_page", deleted.id == page.id and deleted.html == "", deleted)


def events(intercom):
    now, who = int(time.time()), f"user-{RUN}"
    for _ in range(2):
        intercom.events.create(request=CreateDataEventRequestWithUserId(
            user_id=who, event_name="synced-docs", created_at=now, metadata={"source": "handbook"},
        ))
    check("events.create", True)
    intercom.events.create(request=CreateDataEventRequestWithEmail(
        email=f"{RUN}@example.com", event_name="read-docs", created_at=now,
    ))
    check("events.create by email", True)
    intercom.events.summaries(user_id=who, event_summaries=CreateDataEventSummariesRequestEventSummaries(
        event_name="opened-docs", count=7, first=now - 90, last=now,
    ))
    check("events.summaries", True)
    missing = error(intercom.events.create, request=CreateDataEventRequestWithUserId(
        user_id="missing", event_name="synced-docs", created_at=now,
    ))
    check("an event of nobody is 404", missing is not None and missing.status_code == 404, missing)
    if URL != SIMULATOR:
        return
    listed = intercom.events.list(type="user", user_id=who)
    check("events.list, a duplicate counts once", len(listed.events) == 1 and listed.user_id == who, listed)
    by_email = intercom.events.list(type="user", email=f"{RUN}@example.com", per_page=1)
    check("events.list by email", len(by_email.events) == 1, by_email)
    summary = intercom.events.list(type="user", user_id=who, summary=True)
    counts = {item.name: item.count for item in summary.events}
    check("events.list summary", counts == {"synced-docs": 1, "opened-docs": 7}, counts)


def errors(content, source_id):
    refused = error(client("wrong").ai_content.list_external_pages)
    check("401 is an UnauthorizedError", isinstance(refused, UnauthorizedError), refused)
    body = refused.body
    check("401 body", body.type == "error.list" and body.errors[0].code == "unauthorized" and uuid.UUID(body.request_id))
    check("401 shows no limit", not any(key.startswith("x-ratelimit") for key in refused.headers), refused.headers)
    missing = error(content.get_external_page, page_id="5")
    check("404 body", missing.status_code == 404 and missing.body["errors"][0]["code"] == "not_found", missing)
    blank = error(content.create_external_page, title="", html="x", source_id=source_id, external_id="blank")
    check("400 names the field", blank.status_code == 400 and blank.body["errors"][0]["field"] == "title", blank)
    unknown = error(content.create_external_page, title="T", html="x", source_id=999999999, external_id="x")
    check("404 on an unknown source", unknown.status_code == 404, unknown)
    order({"status": {"code": 429}})
    limited = error(content.list_content_import_sources)
    found = limited.body["errors"][0]["code"]
    check("429 body", limited.status_code == 429 and found == "rate_limit_exceeded", limited)
    order({"status": {"code": 503, "retry_after_s": 1}})
    # The client counts its tries from two.
    listed = content.list_content_import_sources(request_options={"max_retries": 3})
    check("the client repeats after a 503", listed.type == "list", listed)
    if URL == SIMULATOR:
        for fault in ("drop", "lost_answer", "truncated_body"):
            order(fault)
            try:
                content.list_content_import_sources()
                check(f"{fault} breaks the connection", False, "an answer came")
            except httpx.TransportError:
                check(f"{fault} breaks the connection", True)
    order(None)


def main():
    intercom = client(os.environ["SDK_TOKEN"])
    source_id = sources(intercom.ai_content)
    for part in (
        lambda: pages(intercom.ai_content, source_id),
        lambda: events(intercom),
        lambda: errors(intercom.ai_content, source_id),
    ):
        try:
            part()
        except Exception as unexpected:  # A call that fails where it must not is a finding, and the rest goes on.
            check("calls succeed", False, f"{type(unexpected).__name__}: {unexpected}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
