"""Makes documents as people write them: headings, paragraphs, lists, tables, code, and links to one another.

The same seed gives the same bytes. Nothing of anybody's real documents is in them.
"""
import random
from pathlib import Path

SUBJECTS = """the scheduler|a deployment|the billing export|every webhook|the access token|a worker|the message queue
the staging cluster|an invoice|the audit log|a feature flag|the search index|the retention policy|a customer's workspace
the on-call engineer|the backup job|the load balancer|a read replica|the release branch|the rate limiter""".replace("\n", "|").split("|")
VERBS = """restarts|validates|archives|publishes|rejects|retries|encrypts|reads|replaces|forwards|measures|compares
schedules|refreshes|throttles|mirrors|resolves|records""".replace("\n", "|").split("|")
OBJECTS = """the pending requests|its own configuration|all expired sessions|the previous version|two copies of the record
the signing key|any duplicate entry|the daily summary|each failed attempt|the customer's region|the oldest snapshot
a short list of owners|the response headers|every open connection""".replace("\n", "|").split("|")
TAILS = """once an hour|before the next release|unless somebody holds the lock|within ten seconds|after a failed health check
when the quota is spent|as soon as the leader changes|in the order of arrival|without a restart|for at most thirty days
only in the primary region|if the checksum differs""".replace("\n", "|").split("|")
NOUNS = "gateway ledger queue token replica cluster session export invoice webhook cursor snapshot tenant quota".split()
WORDS = "Rotate Restore Inspect Configure Migrate Throttle Audit Release Debug Monitor Provision Retire".split()


def sentence(chance):
    clause = f"{chance.choice(SUBJECTS)} {chance.choice(VERBS)} {chance.choice(OBJECTS)}"
    if chance.random() < 0.4:
        clause += f", and {chance.choice(SUBJECTS)} {chance.choice(VERBS)} {chance.choice(OBJECTS)}"
    words = f"{clause} {chance.choice(TAILS)}"
    mark = chance.random()
    if mark < 0.12:
        words = words.replace(chance.choice(words.split()), f"**{chance.choice(NOUNS)}**", 1)
    elif mark < 0.3:
        words += f" (`{chance.choice(NOUNS)}_{chance.choice(NOUNS)}`)"
    return words[0].upper() + words[1:] + "."


def paragraph(chance, link):
    sentences = [sentence(chance) for _ in range(chance.randint(2, 5))]
    if link and chance.random() < 0.5:
        sentences.append(f"See [{chance.choice(WORDS).lower()} the {chance.choice(NOUNS)}]({link(chance)}) for the details.")
    return " ".join(sentences)


def listing(chance):
    numbered = chance.random() < 0.3
    return "\n".join(f"{f'{at + 1}.' if numbered else '-'} {sentence(chance)}" for at in range(chance.randint(3, 6)))


def code(chance):
    key = lambda: f"{chance.choice(NOUNS)}_{chance.choice(NOUNS)}"
    lines = [f"{key()}: {chance.randint(1, 9000)}" for _ in range(chance.randint(3, 8))]
    return "\n".join(["```yaml", *lines, "```"])


def grid(chance):
    rows = [f"| `{chance.choice(NOUNS)}_{at}` | {chance.randint(1, 600)} s | {sentence(chance)} |" for at in range(4)]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows])


def document(chance, title, size, link=None):
    """A document of about so many bytes, a little less rather than more."""
    parts = [f"# {title}", paragraph(chance, link)]
    length = sum(map(len, parts)) + 4
    for at in range(size):
        kind = chance.random()
        if at % 4 == 0:
            part = f"## {chance.choice(WORDS)} the {chance.choice(NOUNS)} {at // 4 + 1}"
        elif kind < 0.6:
            part = paragraph(chance, link)
        elif kind < 0.8:
            part = listing(chance)
        elif kind < 0.93:
            part = code(chance)
        else:
            part = grid(chance)
        if length + len(part) + 2 > size:
            break
        parts.append(part)
        length += len(part) + 2
    rest = []
    while length + len(more := sentence(chance)) + 3 <= size:
        rest.append(more)
        length += len(more) + 1
    return "\n\n".join([*parts, " ".join(rest)]).rstrip() + "\n"


def place(number, folders):
    return f"part-{number % folders:03}/page-{number:05}.md"


def tree(root, count, size=4096, folders=100, seed=1):
    """Writes so many documents; each links to some of the others."""
    root = Path(root)
    for folder in range(min(folders, count)):
        Path(root, f"part-{folder:03}").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        chance = random.Random(f"{seed}-{number}")
        title = f"{chance.choice(WORDS)} the {chance.choice(NOUNS)} ({number})"
        link = lambda chance: f"../{place(chance.randrange(count), folders)}"
        Path(root, place(number, folders)).write_text(document(chance, title, size, link), encoding="utf-8")
