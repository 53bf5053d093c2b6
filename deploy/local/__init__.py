"""The embedded stack: Kafka, PostgreSQL and the five services on a bare machine.

Nothing is installed by hand. Apache Kafka's jars come from Maven Central, checked against a
committed lock, and run on the Java runtime of a wheel; PostgreSQL comes from another wheel.

An *instance* (`stack.Stack`) has a name, a folder of its own, its own free ports and its own
secrets, so that several live side by side on one machine:

- a lasting instance belongs to a checkout; `just up` starts it, `just down` stops it, `just reset`
  deletes its data; it outlives the command that started it;
- an ephemeral one belongs to a running process (the demo, a test run): it ends with it, even when
  that process is killed, and leaves nothing behind.

`KAFKA_BOOTSTRAP_SERVERS` and `POSTGRES_URL`, when set, replace the embedded component (`given`).

Where things are: `folders` (cache and state), `processes` (children that are found again after a
crash), `jars`, `kafka`, `postgres`, `databases` (one per service), `stack`, `services`,
and `__main__`, the commands behind the Justfile.
"""
