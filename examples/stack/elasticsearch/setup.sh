#!/usr/bin/env bash
# Makes what Elasticsearch, Kibana and Logstash need of each other; run in a container of its own, any number of times.
set -euo pipefail
cd /usr/share/elasticsearch
certs=config/certs

if [[ ! -f $certs/ca.crt ]]; then
    work=$(mktemp -d)
    bin/elasticsearch-certutil ca --silent --pem --days 3650 --out "$work/ca.zip"
    unzip -q "$work/ca.zip" -d "$work"
    bin/elasticsearch-certutil cert --silent --pem --days 3650 --name elasticsearch --dns elasticsearch --dns localhost \
        --ca-cert "$work/ca/ca.crt" --ca-key "$work/ca/ca.key" --out "$work/cert.zip"
    unzip -q "$work/cert.zip" -d "$work"
    cp "$work/elasticsearch/elasticsearch.crt" "$work/elasticsearch/elasticsearch.key" "$certs/"
    # Last, since everybody waits for it.
    cp "$work/ca/ca.crt" "$certs/"
    chown -R 1000:0 "$certs"
    chmod 750 "$certs"
    chmod 640 "$certs"/*
    chmod o+rx "$certs"
    chmod o+r "$certs/ca.crt"
    rm -rf "$work"
fi

# The password goes in by a file, so that no list of processes shows it.
login=$(mktemp)
printf 'user = "elastic:%s"\n' "$ELASTIC_PASSWORD" >"$login"
ask() { # ask METHOD PATH [JSON]
    printf '%s' "${3:-}" | curl -fsS --cacert "$certs/ca.crt" -K "$login" -X "$1" "https://elasticsearch:9200$2" \
        -H 'Content-Type: application/json' ${3:+--data-binary @-}
}
until ask GET '/_cluster/health?wait_for_status=yellow&timeout=5s' >/dev/null 2>&1; do sleep 5; done

ask POST /_security/user/kibana_system/_password "{\"password\": \"$KIBANA_PASSWORD\"}" >/dev/null
ask PUT /_security/role/logstash_writer '{
  "cluster": ["monitor"],
  "indices": [{"names": ["*-20*"], "privileges": ["create_index", "create", "auto_configure"]}]
}' >/dev/null
ask PUT /_security/user/logstash_writer "{\"password\": \"$LOGSTASH_PASSWORD\", \"roles\": [\"logstash_writer\"]}" >/dev/null
ask PUT /_ilm/policy/logs-of-services "{\"policy\": {\"phases\": {
  \"hot\": {\"actions\": {}},
  \"delete\": {\"min_age\": \"${LOG_DAYS}d\", \"actions\": {\"delete\": {}}}
}}}" >/dev/null
# One index for each service and day; one machine has nowhere to put a replica.
ask PUT /_index_template/logs-of-services '{
  "index_patterns": ["*-20*"], "priority": 10,
  "template": {"settings": {"index.lifecycle.name": "logs-of-services", "index.number_of_replicas": 0}}
}' >/dev/null
echo "Elasticsearch is set up; indices are kept for $LOG_DAYS days"
