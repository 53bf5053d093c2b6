-- Why: after a topic is made anew, a dead letter at an old position is another record.

alter table dead_letter add column topic_id uuid;

update dead_letter
set topic_id = coalesce(
    (
        select stored_offset.topic_id from stored_offset
        where stored_offset.topic = dead_letter.topic
            and stored_offset.partition = dead_letter.partition
    ),
    '00000000-0000-0000-0000-000000000000'
);

alter table dead_letter
    alter column topic_id set not null,
    drop constraint dead_letter_topic_partition_position_key,
    add unique (topic, topic_id, partition, position);
