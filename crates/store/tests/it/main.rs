//! The store's contract as tests: a file for each of its parts, run against every backend, and a file for each backend
//! with what is its own.
//!
//! A test of the contract is a function of a [`support::Backend`], the place for a store of its own. A backend that is
//! to be tested says how such a place is made: `conformance!(SqliteFile::fresh())`.
#![allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks")]
#![allow(clippy::unwrap_used, reason = "what a test does not expect ends it")]

/// Makes every test of the contract in the present module, each with the fresh backend that the expression makes.
macro_rules! conformance {
    ($fresh:expr) => {
        conformance_of_windows!($fresh);
        tests_of! { $fresh;
            operators:
                an_operator_is_kept_as_it_was_created
                a_link_begins_one_session_and_only_in_time
                a_session_lasts_while_it_is_used_and_no_longer_than_a_week
                a_change_of_an_operator_ends_what_it_is_signed_in_with
                old_links_and_sessions_are_forgotten_a_few_at_a_time;
            audit:
                an_entry_is_there_before_its_outcome_and_joined_with_it
                the_audit_log_shows_what_a_filter_asks_for_newest_first
                old_entries_go_with_their_outcomes_a_few_at_a_time
                an_erasure_takes_the_number_out_of_the_audit_log;
            messages:
                a_message_is_kept_as_it_was_accepted
                a_message_admitted_without_a_lease_is_due_at_once
                a_message_admitted_under_a_lease_is_its_holders
                the_same_claim_again_is_answered_with_the_first_message
                a_key_that_stands_for_another_request_is_taken
                a_message_over_its_quota_leaves_nothing_not_even_its_key
                two_hundred_identical_requests_make_one_message
                concurrent_requests_that_differ_share_no_key
                a_record_counts_until_it_is_too_old
                a_clock_set_back_makes_no_second_message
                a_key_belongs_to_one_account_and_one_endpoint
                a_key_of_one_mode_means_nothing_in_the_other
                a_quota_of_one_mode_is_none_of_the_others
                the_newest_ids_are_shown_of_every_kind_and_of_no_time_to_come
                a_recorded_answer_is_replayed_to_the_letter
                an_answer_without_its_record_is_not_kept
                a_new_record_does_not_inherit_the_answer_of_the_old_one
                looking_for_a_replay_changes_nothing
                a_replay_is_the_message_as_accepted_whatever_became_of_it
                the_sweep_forgets_no_record_and_no_quota_that_counts
                a_quota_is_exact_under_concurrency
                a_quota_used_before_reopening_is_used_after_it
                a_quota_begins_anew_with_the_day
                the_limit_that_counts_is_the_one_given_now
                a_replay_uses_no_quota_even_when_none_is_left;
            requests:
                a_key_is_held_by_one_request_until_that_ends
                a_held_key_is_one_of_its_owner_and_its_endpoint
                of_many_nodes_that_begin_at_once_one_gets_the_key
                a_key_of_an_epoch_that_is_over_is_free
                a_request_that_began_is_admitted_under_its_key
                a_request_that_began_may_be_awaited_as_well
                a_request_with_an_earlier_look_makes_no_second_message
                an_awaited_answer_is_under_way_until_its_request_ends
                a_request_that_is_not_admitted_holds_no_key
                an_answer_awaited_by_an_epoch_that_is_over_is_that_of_the_record
                of_many_awaited_requests_at_two_nodes_one_is_admitted
                a_broadcast_holds_its_key_as_a_message_does;
            reading:
                another_accounts_message_is_nothing
                pages_show_everything_once_newest_first
                the_last_page_is_known_to_be_the_last
                what_arrives_between_two_pages_moves_nothing
                a_page_of_nothing_shows_nothing
                a_filter_shows_what_it_asks_for_and_nothing_else
                a_message_is_found_by_the_names_that_others_have_for_it
                a_queued_message_says_how_it_waits
                the_times_of_a_filter_count_to_the_millisecond
                a_message_has_its_whole_life_on_record
                an_unknown_message_has_no_life
                nothing_of_one_mode_is_shown_to_the_other
                nothing_of_the_text_is_told_in_events;
            broadcasts:
                a_broadcast_is_kept_as_it_was_accepted
                another_accounts_broadcast_is_nothing
                a_broadcast_that_does_not_fit_the_quota_is_refused_whole
                a_broadcast_and_a_message_may_have_the_same_key
                identical_broadcasts_at_once_are_accepted_once
                recipients_have_their_turn_in_order_across_chunks
                values_of_variables_come_with_their_recipients_across_chunks
                a_turn_that_is_repeated_is_refused_and_changes_nothing
                of_many_who_make_the_same_turn_one_does
                who_is_skipped_at_their_turn_gets_no_message
                a_broadcast_of_nobody_has_failed
                counts_follow_every_message
                a_skipped_message_says_why
                a_broadcast_of_which_no_carrier_took_anything_has_failed
                canceling_stops_who_waits_and_says_how_many
                what_is_under_way_takes_its_course_and_is_not_tried_again
                a_cancellation_among_turns_and_outcomes_leaves_nobody_waiting
                a_leased_message_of_a_canceled_broadcast_is_not_attempted
                a_turn_after_the_end_is_refused
                single_messages_go_ahead_of_an_accounts_broadcast
                what_a_gone_process_held_of_a_broadcast_is_due
                messages_of_a_broadcast_are_listed
                broadcasts_are_listed_newest_first
                a_broadcast_of_one_mode_is_nothing_to_the_other
                a_pace_of_a_number_is_kept;
            dispatch:
                a_lease_is_given_to_one_worker
                a_leased_message_is_told_in_full
                a_message_is_due_again_when_its_lease_ends
                only_what_is_due_for_this_carrier_is_leased
                a_message_past_its_validity_is_not_leased
                a_flood_delays_no_other_account
                an_account_that_is_passed_over_keeps_what_is_due
                accounts_have_their_turn_one_after_the_other
                within_an_account_the_longest_due_comes_first
                a_token_that_no_longer_stands_changes_nothing
                no_lease_at_all_holds_nothing
                attempts_are_numbered_from_one_and_answered_in_order
                an_attempt_begins_only_while_the_lease_holds
                an_attempt_reaches_as_far_as_its_answer_is_awaited
                what_was_given_back_is_due_at_once
                what_was_attempted_cannot_be_given_back
                what_a_gone_process_held_is_due_and_its_attempts_are_known
                recovering_twice_recovers_once
                a_retry_of_a_process_whose_clock_was_ahead_comes_in_bounded_time
                what_the_caller_awaits_is_neither_leased_nor_ended
                validity_goes_by_the_wall_clock_and_leases_by_the_steady_one
                queue_depths_tell_what_waits_for_each_carrier
                the_oldest_message_has_its_own_time_after_the_clock_was_set_back
                old_records_of_requests_are_forgotten_a_few_at_a_time;
            outcomes:
                every_verdict_leads_where_it_says
                a_message_that_expires_unattempted_certainly_never_arrived
                a_repeated_outcome_changes_nothing
                no_outcome_moves_a_message_that_has_ended
                sent_is_the_truth_even_when_the_lease_is_over
                sent_is_the_truth_though_another_attempt_is_under_way
                segments_taken_at_several_attempts_add_up
                a_message_that_comes_back_to_a_carrier_lacks_only_what_that_one_has_not
                a_lease_says_which_carriers_refused_the_message
                a_retry_is_due_when_and_where_it_says
                an_attempt_that_never_left_does_not_count
                a_retry_without_an_attempt_takes_no_earlier_one_back
                a_held_message_waits_for_a_receipt_or_its_end
                validity_ends_what_nobody_holds
                validity_ends_nothing_that_somebody_holds
                no_more_are_ended_at_once_than_asked
                a_list_of_outcomes_is_recorded_in_its_order
                what_is_recorded_survives_reopening;
            receipts:
                a_receipt_finds_its_segment_by_carrier_and_key
                the_likeliest_key_is_tried_first
                a_lost_message_tells_why
                a_message_is_delivered_when_all_of_its_segments_are
                a_message_is_undelivered_when_one_of_its_segments_is_and_all_have_their_fate
                a_message_of_64_segments_is_delivered_whole
                a_message_without_text_is_one_segment_to_receipts
                a_receipt_that_is_not_final_is_only_noted
                repeated_and_regressing_receipts_change_nothing
                a_carrier_that_repeats_itself_fills_no_messages_life
                a_shared_key_means_the_newest_message_to_the_recipient
                digits_of_a_senders_name_are_no_number
                a_receipt_for_another_recipient_waits
                an_id_that_means_one_message_needs_no_address
                an_id_that_several_messages_share_needs_an_address
                the_number_that_fits_best_is_meant
                both_ids_of_a_receipt_are_tried
                another_reading_of_an_id_takes_no_message_that_has_its_fate
                an_id_that_is_never_given_twice_needs_no_address
                an_id_means_one_message_for_a_week
                an_id_that_is_given_again_means_the_new_message
                a_receipt_that_names_nobody_is_not_of_a_later_message
                a_receipt_before_its_acknowledgement_is_applied_with_it
                a_parked_receipt_of_one_message_stands_in_no_others_way
                a_parked_receipt_waits_for_its_own_carrier
                parked_receipts_are_forgotten_when_they_are_old
                one_receipt_of_a_list_does_not_hinder_another
                a_receipt_proves_what_a_lost_acknowledgement_hid
                a_receipt_ends_the_lease_of_what_it_proves
                a_segment_sent_twice_has_the_better_of_two_fates
                a_message_is_delivered_when_every_segment_that_its_carrier_made_is
                what_a_carrier_took_counts_no_more_with_the_next_one
                a_carrier_that_a_message_has_left_can_only_say_that_it_arrived
                a_receipt_that_nobody_claims_ends_the_one_message_that_is_held_for_its_recipient
                a_carrier_that_repeats_a_receipt_for_a_held_message_leaves_few_events
                receipts_find_messages_that_were_accepted_after_the_clock_was_set_back
                an_early_receipt_with_an_id_that_is_given_once_is_applied_however_far_the_clock_was_set_back
                of_two_messages_held_for_a_recipient_no_receipt_is_said_to_mean_one
                a_segment_without_an_id_has_no_receipt;
            readings:
                a_receipt_before_its_acknowledgement_takes_no_message_by_another_reading
                another_reading_counts_once_the_acknowledgement_brought_another_id
                an_attempt_to_another_recipient_holds_no_receipt_up
                an_acknowledgement_that_is_another_reading_takes_no_receipt_from_an_attempt_under_way
                another_reading_counts_when_an_attempt_has_ended_without_an_id
                a_restart_forgets_no_receipt_that_waits_for_an_attempt;
            unmatched:
                no_more_receipts_wait_than_their_carrier_may_have
                waiting_receipts_take_no_more_bytes_than_their_carrier_may_have
                one_that_is_larger_than_the_bound_is_dropped_itself
                the_operator_sees_what_came_and_what_became_of_it
                the_last_hundred_are_kept_and_what_was_matched_makes_way
                old_receipts_go_a_few_at_a_time
                held_messages_are_settled_a_few_at_a_time;
            waits:
                a_message_without_receipts_is_marked_when_its_wait_is_over
                a_message_that_does_not_wait_is_never_marked
                a_wait_that_begins_after_the_message_is_listed_ends_too
                a_message_whose_receipt_came_is_not_marked
                a_message_of_which_a_segment_is_lost_ends_with_its_wait
                a_segment_that_is_lost_after_the_wait_ends_its_message
                waits_end_a_few_at_a_time_the_longest_over_first
                one_receipt_may_speak_for_all_segments
                a_receipt_for_all_segments_may_come_before_the_acknowledgement;
            nodes:
                every_start_has_an_epoch_of_its_own
                a_start_ends_the_earlier_one_of_its_name
                a_start_of_one_of_several_nodes_ends_its_own_earlier_one_alone
                a_late_epoch_lives_until_another_node_ends_it
                a_renewed_epoch_is_not_ended
                a_living_epoch_keeps_its_attempts_and_its_leases_until_they_end
                what_an_ended_epoch_owned_is_given_to_others_at_once
                an_ended_epoch_is_given_nothing_and_promises_nothing
                a_clock_that_is_set_back_keeps_no_epoch_alive
                a_node_that_leaves_gives_everything_back
                an_epoch_that_is_over_is_over_after_reopening
                an_unowned_message_is_anyones
                a_retry_belongs_to_nobody
                a_broadcast_is_expanded_by_its_owner_and_taken_over_when_that_is_over
                a_stopped_carrier_stays_stopped_until_it_is_started
                sessions_are_shared_and_never_held_twice
                a_message_is_given_as_its_owner_stands
                what_is_counted_is_counted_over_all_nodes;
            tenants:
                a_new_store_has_no_tenants
                what_was_made_is_found_again
                a_name_is_given_once
                senders_of_every_kind_are_kept_and_changed
                of_names_that_differ_in_case_alone_there_is_one
                one_of_many_who_make_the_same_name_succeeds
                nothing_is_made_for_an_unknown_account
                what_is_unknown_cannot_be_changed
                a_change_to_an_account_leaves_the_rest
                a_key_is_revoked_once
                the_last_use_of_a_key_is_the_latest_that_was_noted
                a_change_to_a_number_leaves_the_rest
                a_block_stands_in_place_of_the_one_of_its_name
                settings_of_keywords_end_with_the_account_of_their_number
                tenants_are_read_as_of_one_moment;
            usage:
                the_quota_used_is_that_of_the_day_and_the_owner
                a_message_counts_in_its_day_with_the_status_that_it_has
                what_is_refused_and_what_is_repeated_counts_nothing
                owners_are_counted_apart
                messages_that_are_gone_still_count
                counts_are_exact_whatever_happens_at_once
                messages_of_handsets_count_for_those_whom_they_come_to
                an_automatic_message_counts_as_any_other;
            inbound:
                a_message_of_a_handset_is_kept_as_it_was_interpreted
                a_message_that_was_not_answered_in_time_is_one_message
                a_message_that_comes_many_times_at_once_is_one_message
                texts_that_were_answered_in_time_are_as_many_messages
                arrivals_are_recorded_in_their_order
                a_message_to_no_account_is_kept_for_the_operator
                a_message_that_the_operator_assigns_is_the_accounts
                lists_of_messages_of_handsets_show_what_is_asked_for
                what_can_mean_nothing_any_more_is_forgotten;
            parts:
                parts_in_any_order_become_one_message
                parts_that_come_at_once_and_twice_become_one_message
                parts_that_differ_in_anything_are_of_other_messages
                a_part_that_comes_again_is_passed_over
                other_octets_under_a_known_number_begin_another_message
                what_has_come_is_shown_when_the_wait_is_over
                waits_end_a_few_at_a_time_and_also_after_the_clock_was_set_back
                a_late_part_completes_the_message_under_its_id
                a_part_that_comes_too_late_is_of_another_message
                what_a_number_brought_stays_with_its_owner_of_then;
            keywords:
                a_stop_is_one_change_with_all_that_follows_from_it
                a_stop_ends_what_waits_for_its_handset_and_nothing_else
                a_stop_of_a_number_ends_what_waits_from_that_number
                a_broadcast_counts_who_opted_out_as_skipped
                however_many_wait_for_a_handset_all_of_them_end
                a_thousand_stops_get_one_answer
                a_stop_that_changes_nothing_may_be_confirmed_once_in_a_while
                of_keywords_that_come_at_once_one_is_answered
                help_is_answered_once_an_hour_for_each_handset_and_number
                no_more_than_three_automatic_messages_are_written_in_an_hour
                a_text_that_the_handset_sends_back_is_not_answered
                a_start_ends_the_opt_outs_in_its_scope
                a_stop_that_seems_to_come_again_counts_once_the_handset_opted_in
                a_confirmation_of_a_start_does_not_follow_a_stop
                a_stop_to_a_number_of_no_account_counts_for_its_former_owner
                the_test_world_has_its_own_opt_outs_and_bounds
                validity_ends_an_automatic_message_as_any_other;
            opt_outs:
                an_opt_out_is_made_once_and_a_repeat_changes_nothing
                opt_outs_belong_to_one_account_and_one_mode
                an_opt_out_by_keyword_ends_with_a_reason_or_a_keyword
                a_handset_that_says_stop_makes_an_opt_out_its_own
                the_history_has_every_change_oldest_first
                lists_of_opt_outs_show_what_is_asked_for
                all_opt_outs_come_in_batches
                what_waits_for_handsets_that_are_opted_out_ends
                no_attempt_begins_against_an_opt_out_that_covers_its_message
                a_broadcast_counts_as_skipped_who_opted_out_before_an_attempt
                an_opt_out_ends_at_an_attempt_no_message_that_another_may_send
                lists_of_opt_outs_that_are_made_at_once_are_made_once
                of_many_who_make_the_same_opt_out_one_does;
            changes:
                changes_are_numbered_without_gaps_in_the_order_of_their_commits
                a_change_says_what_the_resource_is_from_then_on
                every_status_of_a_broadcast_is_noted
                every_change_of_tenants_is_noted_and_what_changes_nothing_is_not
                nothing_is_written_that_no_consumer_wants
                a_consumer_sees_what_is_committed_after_it_was_registered
                a_cursor_survives_never_goes_back_and_passes_nothing_that_comes
                what_every_consumer_has_passed_is_dropped_a_few_at_a_time
                the_changes_of_a_call_are_in_the_tail_when_it_returns
                a_tail_waits_for_what_comes_and_ends_with_the_store
                a_call_that_is_refused_changes_nothing_in_the_log;
            screening:
                decisions_are_kept_once_and_listed_newest_first
                decisions_are_listed_by_outcome_and_certainty
                what_is_flagged_is_recorded_with_its_message_or_not_at_all
                old_decisions_are_forgotten_a_few_at_a_time
                the_last_decisions_of_an_account_are_kept
                decisions_on_texts_of_test_keys_push_out_no_live_ones
                a_policy_is_kept_and_an_unknown_account_has_none
                a_template_is_kept_once_for_each_text_of_an_account
                an_account_has_a_bounded_number_of_templates
                a_review_is_kept_with_its_decision;
            retention:
                old_texts_go_and_nothing_else_does
                what_has_not_ended_keeps_its_text_until_it_ends
                the_age_of_what_leaves_later_is_counted_from_its_time_to_leave
                the_receipt_keys_of_what_left_later_stay_as_long_as_those_of_others
                a_walk_goes_on_after_a_restart_and_knows_what_it_has_passed
                texts_of_an_account_that_discards_them_go_with_the_end
                a_walk_through_one_account_leaves_the_others
                an_old_message_goes_whole_and_its_replay_with_it
                an_old_broadcast_goes_after_its_last_message_and_counts_until_then
                old_keys_of_receipts_go_but_those_of_messages_that_wait
                what_nothing_could_use_goes_when_it_is_old_and_waits_no_more
                a_step_removes_no_more_than_asked_and_the_next_one_goes_on
                media_go_with_the_texts_of_their_messages
                old_texts_of_handsets_go_with_their_files_and_then_the_messages
                a_message_of_a_handset_takes_its_files_with_it;
            cancel:
                a_message_that_was_taken_back_is_never_attempted
                a_message_under_way_is_taken_back_once_its_attempt_has_ended
                a_message_of_which_anything_may_have_left_is_not_taken_back
                a_message_is_taken_back_once_and_by_its_owner
                messages_that_were_taken_back_are_listed_by_that
                a_recipient_whose_message_is_taken_back_is_skipped
                of_a_cancellation_and_an_attempt_one_happens;
            schedule:
                a_scheduled_message_waits_for_its_time_and_is_queued_then
                a_scheduled_message_that_may_not_leave_any_more_fails
                what_the_screen_finds_at_a_launch_is_recorded_with_it_once
                a_launch_records_only_what_the_acceptance_did_not
                an_erasure_removes_what_the_screen_found_at_a_launch
                a_scheduled_message_can_be_taken_back
                scheduled_messages_are_listed_and_come_the_longest_due_first
                a_page_of_due_messages_begins_after_the_one_before
                scheduled_messages_of_a_restored_store_end_where_they_may_have_left
                a_scheduled_message_of_an_erased_person_never_leaves
                a_queue_is_as_old_as_the_longest_wait_in_it
                a_scheduled_message_is_launched_once;
            media:
                media_are_kept_with_the_message_that_brings_them
                a_message_that_is_refused_brings_no_media
                media_that_are_gone_are_to_be_brought_again
                media_go_when_no_message_has_needed_them_for_long
                media_of_a_scheduled_message_stay_until_it_has_left
                media_of_an_open_broadcast_stay
                media_that_are_needed_again_stay
                a_look_at_media_has_an_end;
            webhooks:
                events_are_logged_for_owners_with_an_endpoint_alone
                an_acceptance_is_an_event_where_it_is_named_exactly
                numbers_of_events_go_on_after_a_restart_and_after_old_ones_are_gone
                a_position_never_goes_back_and_what_was_sent_is_kept_until_the_end
                an_erased_person_is_in_no_event_that_is_not_delivered
                an_erased_person_is_in_no_event_of_a_message_that_was_taken_back
                endpoints_and_secrets_are_bounded_and_their_owners
                an_endpoint_keeps_the_format_with_which_it_was_made
                a_disabled_endpoint_is_an_event_for_the_others
                a_replay_is_a_place_of_its_own_that_survives
                what_is_old_goes_with_its_deliveries_and_removed_endpoints_go_whole;
            erase:
                everything_of_a_message_is_blank_but_what_became_of_it
                what_the_person_sent_is_erased_as_well
                a_queued_message_is_canceled_with_an_event_and_never_attempted
                an_attempt_under_way_is_awaited_and_not_repeated
                a_held_message_is_ended_and_found_under_no_digits
                what_comes_late_for_an_erased_message_counts_and_tells_nothing
                a_recipient_that_waits_for_a_turn_gives_way_to_nobody
                the_values_of_a_recipient_who_is_erased_go_too
                a_broadcast_to_the_person_alone_loses_its_text
                what_matched_nothing_and_names_the_number_is_removed
                media_go_with_the_person_unless_another_message_waits_for_them
                the_record_of_an_erasure_stays_without_the_number
                a_sender_number_is_no_person_and_blocks_stay
                an_answer_that_comes_late_is_not_recorded;
            erase_inbound:
                what_the_persons_handset_sent_is_blank
                opt_outs_of_an_erased_person_stay_in_force_without_their_reasons
                the_person_is_nobody_among_the_recipients_of_a_group;
            holds:
                a_store_is_held_until_it_is_released_also_over_a_restart
                what_waits_is_counted_and_what_was_under_way_too
                what_waits_is_ended_and_may_have_arrived;
            peppers:
                a_store_knows_its_pepper_and_refuses_another
                keys_are_counted_until_they_have_a_digest_of_the_new_pepper
                a_secret_that_is_encrypted_anew_takes_the_place_of_that_one_alone;
            health:
                a_probe_succeeds_while_writes_do
                the_size_of_a_store_grows_with_its_messages
                concurrent_calls_share_commits
                the_last_observer_is_the_one_called
                all_is_well_until_something_fails
                a_closed_store_is_unavailable
                closing_finishes_what_was_begun;
        }

        #[test]
        fn any_sequence_of_calls_agrees_with_the_model() {
            crate::model::any_sequence_of_calls_agrees_with_the_model(|| $fresh);
        }

        #[test]
        fn any_interleaving_of_nodes_gives_every_message_one_living_owner() {
            crate::nodes::any_interleaving_of_nodes_gives_every_message_one_living_owner(|| $fresh);
        }

        #[test]
        fn any_interleaving_of_requests_answers_all_repeats_alike() {
            crate::requests::any_interleaving_of_requests_answers_all_repeats_alike(|| $fresh);
        }

        #[test]
        fn any_interleaving_of_parts_gives_exactly_two_messages() {
            crate::parts::any_interleaving_of_parts_gives_exactly_two_messages(|| $fresh);
        }

        #[test]
        fn any_list_shows_what_is_there() {
            crate::lists::any_list_shows_what_is_there(|| $fresh);
        }
    };
}

/// The tests of the contract that are about rate windows.
macro_rules! conformance_of_windows {
    ($fresh:expr) => {
        tests_of! { $fresh;
            windows:
                exactly_the_limit_passes_however_many_come_at_once
                a_window_begins_with_its_first_request_and_refused_ones_are_free
                owners_kinds_entrances_and_addresses_are_counted_apart
                looking_at_a_window_counts_nothing
                the_limit_of_a_window_is_the_one_given_now;
        }
    };
}

macro_rules! tests_of {
    ($fresh:expr; $($file:ident: $($test:ident)*;)*) => {$($(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            crate::support::in_time(crate::$file::$test($fresh)).await;
        }
    )*)*};
}

mod audit;
mod backup;
mod broadcasts;
mod bucket;
mod cancel;
mod changes;
mod crashes;
mod disk;
mod dispatch;
mod erase;
mod erase_inbound;
mod health;
mod holds;
mod inbound;
mod keywords;
mod lists;
mod media;
mod messages;
mod model;
mod nodes;
mod objects;
mod office;
mod operators;
mod opt_outs;
mod outcomes;
mod parts;
mod peppers;
mod postgres;
mod reading;
mod readings;
mod receipts;
mod requests;
mod retention;
mod schedule;
mod screening;
mod sqlite;
mod support;
mod tenants;
mod unmatched;
mod upgrade;
mod usage;
mod valkey;
mod waits;
mod webhooks;
mod windows;
