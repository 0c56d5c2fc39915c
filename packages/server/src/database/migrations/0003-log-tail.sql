-- The end of the output of a log that has got too long to be kept; null while the log is whole.
alter table runs add column log_tail text;
