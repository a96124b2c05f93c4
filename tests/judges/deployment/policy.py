"""IAM's own rules, as far as the policies here go: an explicit deny wins, then an allow, and else it is denied.

moto has the same, without conditions; this looks at them too, and tells which statement has let a call through.
"""

import re

import sam


def like(pattern, text):
    """IAM's wildcards: '*' for any characters, '?' for one."""
    return (
        re.fullmatch("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), text, re.DOTALL) is not None
    )


def is_met(operator, key, wanted, context):
    """One condition on one key. A key that a request doesn't carry meets none but Null."""
    found, values = context.get(key), [str(one) for one in sam.listed(wanted)]
    if operator == "Null":
        return (found is None) == (values == ["true"])
    if found is None:
        return False
    if operator == "NumericGreaterThan":
        return float(found) > float(values[0])
    if operator in ("StringEquals", "Bool"):
        return found in values
    if operator in ("StringLike", "ArnLike"):
        return any(like(one, found) for one in values)
    raise ValueError(f"{operator} isn't known here")


def matches(statement, action, resource, context):
    """Whether a statement is about a call."""
    names = sam.listed(statement["Action"])
    if not any(like(name.lower(), action.lower()) for name in names):
        return False
    resources = sam.listed(statement.get("NotResource", statement.get("Resource")))
    if any(like(one, resource) for one in resources) == ("NotResource" in statement):
        return False
    return all(
        is_met(operator, key, wanted, context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def decide(statements, action, resource, context):
    """The statements that allow a call; none when it is denied."""
    about = [one for one in statements if matches(one, action, resource, context)]
    return [] if any(one["Effect"] == "Deny" for one in about) else about


def refused(statements, action, resource, context):
    """The statement of a resource's policy that denies a call, if one does."""
    denies = (one["Sid"] for one in statements if one["Effect"] == "Deny" and matches(one, action, resource, context))
    return next(denies, None)


def without(statements, sid):
    """The statements but one."""
    return [one for one in statements if one["Sid"] != sid]


def for_moto(statements):
    """As moto needs them: without denials on a condition, which it would take for denials without one; for any
    resource of other services than S3, for it asks those about '*'; and with tags of a version, which it takes for the
    newest's."""
    kept = [one for one in statements if one["Effect"] == "Allow" or "Condition" not in one]
    return [as_moto_asks(one) for one in kept]


def as_moto_asks(statement):
    """One of them."""
    actions = sam.listed(statement["Action"])
    if not actions[0].startswith("s3:"):
        return statement | {"Resource": "*"}
    if "s3:PutObjectVersionTagging" in actions:
        return statement | {"Action": [*actions, "s3:PutObjectTagging"]}
    return statement
