#!/usr/bin/env bash
# A Slurm cluster of several nodes on this machine, on loopback only, as root; all its state lies in $SLURM_ROOT.
#   slurm.sh up NODES | kill-node I | stop-controller | start-controller | down
# For its commands: export SLURM_CONF=$SLURM_ROOT/slurm.conf
set -euo pipefail
root=${SLURM_ROOT:?where its state lies}
export SLURM_CONF=$root/slurm.conf PATH=$PATH:/usr/sbin:/sbin
port=${SLURM_PORT:-16817}

install() {
    if command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null; then return; fi
    # The packages' own services must not start.
    local policy=/usr/sbin/policy-rc.d ours=
    if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && ours=1; fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge >"$root/apt.log" 2>&1
    [ -z "$ours" ] || rm -f $policy
}

configure() {
    local host i
    host=$(hostname -s)
    # The daemons listen on what the machine's name stands for: it has to be this machine alone.
    getent ahostsv4 "$host" | grep -q '^127\.' || echo "127.0.0.1 $host" >>/etc/hosts
    mkdir -p "$root"/{log,run,state,spool,munge}
    chmod 755 "$root" "$root/run" && chmod 700 "$root/munge"
    dd if=/dev/urandom of="$root/munge/key" bs=1024 count=1 status=none && chmod 400 "$root/munge/key"
    cat >"$SLURM_CONF" <<CONF
ClusterName=livebench
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$port
AuthType=auth/munge
AuthInfo=socket=$root/run/munge.sock,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
CryptoType=crypto/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$root/log/jobcomp.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1,defer
SlurmdParameters=config_overrides
ReturnToService=2
SlurmctldTimeout=5
SlurmdTimeout=10
InactiveLimit=0
KillWait=2
MinJobAge=86400
Waittime=0
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool/%n
SlurmctldPidFile=$root/run/slurmctld.pid
SlurmdPidFile=$root/run/slurmd.%n.pid
SlurmctldLogFile=$root/log/slurmctld.log
SlurmdLogFile=$root/log/slurmd.%n.log
CONF
    for ((i = 1; i <= $1; i++)); do
        echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 200 + i)) CPUs=2 State=UNKNOWN" >>"$SLURM_CONF"
        mkdir -p "$root/spool/n$i"
    done
    echo "PartitionName=load Nodes=n[1-$1] Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO" >>"$SLURM_CONF"
}

stop() { # the process of a pid file, with a signal
    local pid
    [ -s "$1" ] || return 0
    pid=$(cat "$1")
    kill "-${2:-TERM}" "$pid" 2>/dev/null || true
}

case ${1:-} in
    up)
        mkdir -p "$root"
        install
        configure "$2"
        munged --force --key-file="$root/munge/key" --socket="$root/run/munge.sock" --pid-file="$root/run/munged.pid" \
            --log-file="$root/log/munged.log" --seed-file="$root/munge/seed"
        slurmctld -f "$SLURM_CONF"
        for ((i = 1; i <= $2; i++)); do slurmd -N "n$i" -f "$SLURM_CONF"; done
        for _ in $(seq 100); do
            [ "$(sinfo -h -N -o %T 2>/dev/null | grep -c '^idle$')" = "$2" ] && exit 0
            sleep 0.3
        done
        echo "the nodes do not come up" >&2
        tail -n 20 "$root"/log/*.log >&2
        exit 1
        ;;
    kill-node) # slurmd, its steps and all its tasks at once, as when the machine is lost; then the controller is told
        mine=
        for environ in /proc/[0-9]*/environ; do
            pid=${environ#/proc/} pid=${pid%/environ}
            if { tr '\0' '\n' <"$environ" | grep -qx "SLURMD_NODENAME=n$2"; } 2>/dev/null; then
                parent=$(ps -o ppid= -p "$pid" 2>/dev/null | tr -d ' ' || true)
                mine="$mine $pid"
                if [ -n "$parent" ] && ps -o args= -p "$parent" 2>/dev/null | grep -q '^slurmstepd'; then mine="$mine $parent"; fi
            fi
        done
        # shellcheck disable=SC2086 # several numbers
        kill -KILL "$(cat "$root/run/slurmd.n$2.pid")" $mine 2>/dev/null || true
        sleep 1
        scontrol update NodeName="n$2" State=DOWN Reason=lost
        ;;
    stop-controller) stop "$root/run/slurmctld.pid" && sleep 1 ;;
    start-controller) slurmctld -f "$SLURM_CONF" ;;
    down)
        scancel -u root 2>/dev/null || true
        for file in "$root"/run/slurmd.*.pid; do stop "$file"; done
        stop "$root/run/slurmctld.pid"
        sleep 0.5
        stop "$root/run/munged.pid"
        ;;
    *)
        sed -n 2,4p "$0" >&2
        exit 2
        ;;
esac
