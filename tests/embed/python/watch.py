"""watch.py: what a dashboard does: show the state of a log, then each failed run as it comes.

    python3 watch.py sessions 2

ends after so many failures. It needs debrief.py beside it and libdebrief where the loader looks."""
import select
import sys

import debrief


def main(folder, count):
    with debrief.Host(folder, time_limit_ms=10000) as host:
        table = host.table(format="json", by="skill", show="runs,passed", sort="-runs")
        for row in table["reports"][0]["tables"][0]["records"]:
            print(f"{row['skill']}: {row['runs']} runs, {row['passed']['num']} passed", flush=True)
        with host.follow(outcome=["fail"]) as failures:
            print("watching", flush=True)
            while count > 0:
                select.select([failures], [], [])
                for session, line, entry in failures:
                    print(f"{session}:{line} {entry['skill']} failed", flush=True)
                    count -= 1
        print(host.retro("pass_rate", sessions="*").splitlines()[0])


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]))
    except debrief.Error as error:
        sys.exit(f"watch: {error}")
