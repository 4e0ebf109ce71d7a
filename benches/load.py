"""What stands in for wrk where it is not installed: load.py ADDRESS BODIES SECONDS PROCESSES."""
import http.client
import itertools
import multiprocessing
import sys
import threading
import time

CONNECTIONS = 4


def send(address, bodies, until, worker):
    connection = http.client.HTTPConnection(address, timeout=30)
    headers = {"Authorization": "Bearer any", "Content-Type": "application/json", "Intercom-Version": "2.16"}
    for number in itertools.count():
        if time.monotonic() > until:
            return
        before, behind = bodies[number % len(bodies)]
        body = f'{before}load/{worker}-{number}.md",{behind}'.encode()
        connection.request("POST", "/ai/external_pages", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit(f"the simulator answers {answer.status}")


def work(address, bodies, until, process):
    threads = [threading.Thread(target=send, args=(address, bodies, until, f"{process}-{at}")) for at in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    address, file, seconds, processes = sys.argv[1:]
    with open(file, encoding="utf-8") as lines:
        lines = lines.read().splitlines()
    bodies = list(zip(lines[::2], lines[1::2]))
    until = time.monotonic() + float(seconds)
    workers = [multiprocessing.Process(target=work, args=(address, bodies, until, at)) for at in range(int(processes))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.exit(any(worker.exitcode for worker in workers))


if __name__ == "__main__":
    main()
