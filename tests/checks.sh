# Named checks of a script: sourced, not run.
passed=0 failed=0
check() { # check WHAT COMMAND...
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok     $what"
    else
        failed=$((failed + 1))
        echo "FAILED $what"
    fi
}
checked() { # the sum; false if one failed
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
