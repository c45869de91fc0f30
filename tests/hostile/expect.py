"""What may be expected of an answer. Each is a function of (answer, case) that raises AssertionError."""


def http(code, *parts):
    """No review at all: the server's HTTP error, which the failure policy is for."""
    def check(answer, _):
        assert answer.code == code, f"{answer.code or 'a review'} instead of {code}: {answer.text[:300]}"
        says(answer.whole["message"], parts)
    return check


def denied(code, *parts, fields=()):
    def check(answer, _):
        assert answer.allowed is False and answer.denial["code"] == code, f"not denied with {code}: {answer.text[:600]}"
        says(answer.denial["message"], parts)
        found = [cause["field"] for cause in answer.denial["details"]["causes"]]
        missing = [field for field in fields if field not in found]
        assert not missing, f"{missing} not among {found}"
    return check


def ignored(answer, _):
    """Allowed and left alone, as what is none of ours."""
    assert answer.allowed is True and not answer.patch and not answer.warnings, answer.text[:600]
    assert "auditAnnotations" not in answer.response, answer.text[:600]


def accepted(*warnings):
    """Allowed, with these warnings and no patch."""
    def check(answer, _):
        assert answer.allowed is True and not answer.patch, answer.text[:600]
        says("\n".join(answer.warnings), warnings)
    return check


def injected(*warnings, least=1, most=120, sets=()):
    """Completed: with at least and at most so many operations, with these warnings, and with operations at these paths."""
    def check(answer, _):
        assert answer.allowed is True, answer.text[:600]
        assert least <= len(answer.patch) <= most, f"{len(answer.patch)} operations, not {least} to {most}"
        says("\n".join(answer.warnings), warnings)
        paths = {operation["path"] for operation in answer.patch}
        assert not set(sets) - paths, f"no operation at {set(sets) - paths}"
    return check


def silent(*parts):
    """Completed, and no warning says any of this."""
    def check(answer, case):
        injected()(answer, case)
        found = [part for part in parts if part in answer.text]
        assert not found, f"{found} in {answer.text[:600]}"
    return check


def says(text, parts):
    missing = [part for part in parts if part not in text]
    assert not missing, f"{missing} isn't said: {text[:600]}"
