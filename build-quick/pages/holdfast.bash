# Completion for holdfast; written from include/tbl/subcommands.h.
_holdfast() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
	local command=${COMP_WORDS[1]} options=
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ] || { [ "$COMP_CWORD" = 2 ] && [ "$command" = help ]; }; then
		COMPREPLY=($(compgen -W 'help run check explain what-if tag tail status members drain undrain maint up reload verify master race version' -- "$word"))
		return
	fi
	case "$command $before" in
	'run --config' | 'run -c')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'check --config' | 'check -c')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'explain --config' | 'explain -c')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'explain --service')
		return ;;
	'explain --down')
		return ;;
	'explain --drain')
		return ;;
	'explain --primary')
		return ;;
	'explain --last')
		return ;;
	'explain --keys-file')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'what-if --config' | 'what-if -c')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'what-if --service')
		return ;;
	'what-if --add')
		return ;;
	'what-if --remove')
		return ;;
	'what-if --weight')
		return ;;
	'what-if --down')
		return ;;
	'tag --config' | 'tag -c')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'tag --service')
		return ;;
	'tag --key')
		return ;;
	'tail --config' | 'tail -c')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'tail --service')
		return ;;
	'tail --session')
		return ;;
	'tail --member')
		return ;;
	'tail --event')
		COMPREPLY=($(compgen -W 'failover failback assigned rehomed disagree tag_rejected no_live_member member_down member_up outage_summary drain_started drain_done master_elected master_lost role_held role_over epoch_adopted reload reload_refused race_fallback ticket_rejected ' -- "$word"))
		return ;;
	'tail --lines' | 'tail -n')
		return ;;
	'tail --color')
		COMPREPLY=($(compgen -W 'auto always never' -- "$word"))
		return ;;
	'status --config' | 'status -c')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'status --admin')
		return ;;
	'status --token-file')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'members --config' | 'members -c')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'members --admin')
		return ;;
	'members --token-file')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'members --service')
		return ;;
	'members --epoch')
		return ;;
	'drain --config' | 'drain -c')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'drain --admin')
		return ;;
	'drain --token-file')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'drain --service')
		return ;;
	'undrain --config' | 'undrain -c')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'undrain --admin')
		return ;;
	'undrain --token-file')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'undrain --service')
		return ;;
	'maint --config' | 'maint -c')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'maint --admin')
		return ;;
	'maint --token-file')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'maint --service')
		return ;;
	'up --config' | 'up -c')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'up --admin')
		return ;;
	'up --token-file')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'up --service')
		return ;;
	'reload --config' | 'reload -c')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'reload --admin')
		return ;;
	'reload --token-file')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'verify --service')
		return ;;
	'verify --samples')
		return ;;
	'verify --token-file')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'master --dead')
		return ;;
	'race --service')
		return ;;
	'race --limit')
		return ;;
	'race --bind')
		COMPREPLY=($(compgen -W 'secret address' -- "$word"))
		return ;;
	'race --host')
		return ;;
	esac
	case "$command" in
	run) options='--help --config' ;;
	check) options='--help --config --json' ;;
	explain) options='--help --config --service --down --drain --primary --last --idle --digest --keys-file --json' ;;
	what-if) options='--help --config --service --add --remove --weight --down --tagged --summary --json' ;;
	tag) options='--help --config --service --key --json' ;;
	tail) options='--help --config --service --session --member --event --json --follow --no-follow --lines --color' ;;
	status) options='--help --config --admin --token-file --json' ;;
	members) options='--help --config --admin --token-file --service --epoch --json' ;;
	drain) options='--help --config --admin --token-file --service --json' ;;
	undrain) options='--help --config --admin --token-file --service --json' ;;
	maint) options='--help --config --admin --token-file --service --json' ;;
	up) options='--help --config --admin --token-file --service --json' ;;
	reload) options='--help --config --admin --token-file --json' ;;
	verify) options='--help --service --samples --token-file --json' ;;
	master) options='--help --dead --follow --json' ;;
	race) options='--help --service --limit --bind --open --host --json' ;;
	version) options='--help --json' ;;
	esac
	case "$word" in
	-*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
	*) COMPREPLY=($(compgen -f -- "$word")) ;;
	esac
}
complete -o filenames -F _holdfast holdfast
