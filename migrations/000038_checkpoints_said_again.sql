-- A later launch may say the same step and status again: its row then has when, how far and with which words.
grant update on run_checkpoints to wheelhouse_app;
