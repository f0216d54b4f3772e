import json

from .command import Workplace


def test_doctor_names_every_remedy_and_says_by_its_exit_code_whether_to_measure(workplace: Workplace) -> None:
    done = workplace.run("doctor", "--json", "--ranks", "4096")
    told = json.loads(done.stdout)
    assert done.returncode == (3 if told["level"] == "fail" else 0)
    cores = next(finding for finding in told["findings"] if finding["name"] == "cores")
    assert cores["level"] == "warn"
    assert "4096 ranks" in cores["found"]
    assert all(finding["remedy"] for finding in told["findings"] if finding["level"] != "ok")
